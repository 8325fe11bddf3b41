// Sizes of memory as people type them.
#pragma once

#include <cstdint>
#include <string>

#include "lathe/status.h"

namespace lathe::cli {

// "512M", "2G", "1.5GiB", "1000000": bytes, the letters in steps of 1024. `option` is named in the error.
Result<int64_t> parse_size(const std::string& text, const char* option);

}  // namespace lathe::cli
