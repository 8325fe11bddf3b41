// One element of a plain type in memory, to and from double. Block types have no elements of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/types.h"
#include "kernels/matmul/matmul.h"

namespace lathe::probe {

inline bool is_bf16(matmul::Type type) {
  using matmul::Type;
  return type == Type::bf16 || type == Type::bf16_b16 || type == Type::bf16_d16;
}

inline int64_t element_bytes(matmul::Type type) {
  using matmul::Type;
  if (type == Type::f32 || type == Type::s32) return 4;
  return is_bf16(type) || type == Type::f16 ? 2 : 1;
}

template <class T>
T element(const std::byte* data, int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

inline double load_element(matmul::Type type, const std::byte* data, int64_t i) {
  using matmul::Type;
  switch (type) {
    case Type::bf16:
    case Type::bf16_b16:
    case Type::bf16_d16:
      return to_float(element<bf16>(data, i));
    case Type::f16:
      return to_float(element<f16>(data, i));
    case Type::s32:
      return element<int32_t>(data, i);
    case Type::u8:
      return element<uint8_t>(data, i);
    case Type::s8:
    case Type::i8:
      return element<int8_t>(data, i);
    default:
      return element<float>(data, i);
  }
}

// `value` in [-1, 1) becomes an element: rounded, or for integers spread over all of their range but -128.
inline void store_random(matmul::Type type, float value, std::byte* data, int64_t i) {
  using matmul::Type;
  const auto put = [&](auto x) { std::memcpy(data + i * static_cast<int64_t>(sizeof x), &x, sizeof x); };
  if (is_bf16(type)) return put(to_bf16(value));
  if (type == Type::f16) return put(to_f16(value));
  if (type == Type::u8) return put(static_cast<uint8_t>(value * 128.0f + 128.0f));
  if (type == Type::s8 || type == Type::i8) return put(static_cast<int8_t>(value * 127.5f));
  put(value);
}

}  // namespace lathe::probe
