#include "gpu/place.h"

#include <fmt/format.h>

namespace lathe::gpu {

uint64_t address_of(const Place& place) {
  return place.buffer == nullptr ? 0 : place.buffer->address() + static_cast<uint64_t>(place.at);
}

Status check_place(const char* name, const Place& place, int64_t bytes, int64_t alignment) {
  if (place.buffer == nullptr) return invalid_argument(fmt::format("{} is missing", name));
  if (place.at < 0 || place.at % alignment != 0)
    return invalid_argument(fmt::format("{} begins at byte {}, needed: a multiple of {}", name, place.at, alignment));
  if (bytes <= place.buffer->size() - place.at) return {};
  return invalid_argument(fmt::format("{} takes {} bytes from {} on, needed: that many in its buffer of {}", name,
                                      bytes, place.at, place.buffer->size()));
}

}  // namespace lathe::gpu
