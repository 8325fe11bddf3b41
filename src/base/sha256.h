// SHA-256 of bytes, as 64 hexadecimal digits: what files carry against corruption, and what caches are keyed by.
#pragma once

#include <string>
#include <string_view>

namespace lathe {

std::string sha256_hex(std::string_view bytes);

}  // namespace lathe
