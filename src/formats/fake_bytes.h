// Files for tests, made of their parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

namespace lathe {

inline std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

// The bytes of a number, as files hold it.
template <class T>
std::string raw(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// `header` as the JSON of a safetensors file, in front of `data`.
inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
  return raw(uint64_t{header.size()}).append(header).append(data);
}

}  // namespace lathe
