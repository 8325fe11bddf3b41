// A place in a buffer, as recorded work is handed it.
#pragma once

#include <cstdint>

#include "gpu/device.h"

namespace lathe::gpu {

struct Place {
  const Buffer* buffer = nullptr;
  int64_t at = 0;  // bytes
};

// As shaders see it; 0 where there is none.
uint64_t address_of(const Place& place);

// `name` takes `bytes` from there on, and begins at a multiple of `alignment`.
Status check_place(const char* name, const Place& place, int64_t bytes, int64_t alignment = 4);

}  // namespace lathe::gpu
