// The metadata of a GGUF file to be written: typed values by key, in the order in which they are added.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "formats/gguf.h"

namespace lathe {

// The type that a value of C++ has in files.
template <class T>
consteval GgufType gguf_type_of() {
  if constexpr (std::is_same_v<T, bool>)
    return GgufType::boolean;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return GgufType::u8;
  else if constexpr (std::is_same_v<T, int8_t>)
    return GgufType::i8;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return GgufType::u16;
  else if constexpr (std::is_same_v<T, int16_t>)
    return GgufType::i16;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return GgufType::u32;
  else if constexpr (std::is_same_v<T, int32_t>)
    return GgufType::i32;
  else if constexpr (std::is_same_v<T, uint64_t>)
    return GgufType::u64;
  else if constexpr (std::is_same_v<T, int64_t>)
    return GgufType::i64;
  else if constexpr (std::is_same_v<T, float>)
    return GgufType::f32;
  else {
    static_assert(std::is_same_v<T, double>, "a type that GGUF has");
    return GgufType::f64;
  }
}

class GgufMetadata {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  void add(std::string_view key, T value) {
    begin(key, gguf_type_of<T>());
    raw(&value, sizeof value);
  }
  void add(std::string_view key, std::string_view text);
  void add(std::string_view key, const char* text) { add(key, std::string_view(text)); }

  template <class T>
  requires std::is_arithmetic_v<T>
  void add_array(std::string_view key, std::span<const T> values) {
    begin_array(key, gguf_type_of<T>(), values.size());
    raw(values.data(), values.size_bytes());
  }
  void add_array(std::string_view key, std::span<const std::string_view> texts);
  // An array of booleans, which the format keeps as bytes of 0 and 1.
  void add_flags(std::string_view key, std::span<const uint8_t> flags);

  // As it stands in another file.
  void add(const GgufEntry& entry);

  uint64_t count() const { return count_; }
  const std::string& bytes() const { return bytes_; }  // as they stand in the file, without their count

 private:
  void begin(std::string_view key, GgufType type);
  void begin_array(std::string_view key, GgufType element, uint64_t count);
  void text(std::string_view text);
  void raw(const void* bytes, size_t count) { bytes_.append(static_cast<const char*>(bytes), count); }

  std::string bytes_;
  uint64_t count_ = 0;
};

}  // namespace lathe
