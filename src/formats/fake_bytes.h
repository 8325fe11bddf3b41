// Files for tests, made of their parts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
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

// A GGUF file, piece by piece. Numbers of types are those of the format.
struct FakeGguf {
  uint32_t version = 3;
  uint64_t keys = 0, tensors = 0;
  std::string entries = {}, descriptions = {}, data = {};
  size_t alignment = 32;

  static std::string text(std::string_view characters) { return raw(uint64_t{characters.size()}).append(characters); }

  FakeGguf& key(std::string_view name, uint32_t type, std::string_view value) {
    entries += text(name) + raw(type);
    entries += value;
    ++keys;
    return *this;
  }
  FakeGguf& u32(std::string_view name, uint32_t value) { return key(name, 4, raw(value)); }
  FakeGguf& string(std::string_view name, std::string_view value) { return key(name, 8, text(value)); }
  FakeGguf& array(std::string_view name, uint32_t type, uint64_t count, std::string_view elements) {
    return key(name, 9, (raw(type) + raw(count)).append(elements));
  }
  FakeGguf& tensor(std::string_view name, std::initializer_list<uint64_t> dims, uint32_t type, uint64_t offset) {
    descriptions += text(name) + raw(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) descriptions += raw(dim);
    descriptions += raw(type) + raw(offset);
    ++tensors;
    return *this;
  }
  std::string bytes() const {
    std::string all = "GGUF" + raw(version) + raw(tensors) + raw(keys) + entries + descriptions;
    if (!data.empty()) all.append((alignment - all.size() % alignment) % alignment, '\0');
    return all + data;
  }
};

}  // namespace lathe
