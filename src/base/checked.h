// Overflow-checked size arithmetic for every number that comes from outside.
#pragma once

#include <cstdint>
#include <optional>

namespace lathe {

inline std::optional<int64_t> checked_mul(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_mul_overflow(a, b, &r)) return std::nullopt;
  return r;
}

inline std::optional<int64_t> checked_add(int64_t a, int64_t b) {
  int64_t r;
  if (__builtin_add_overflow(a, b, &r)) return std::nullopt;
  return r;
}

// Product of any number of factors, nothing if it does not fit in 63 bits.
template <class... Rest>
std::optional<int64_t> checked_mul(int64_t a, int64_t b, Rest... rest) {
  const auto ab = checked_mul(a, b);
  if (!ab) return std::nullopt;
  return checked_mul(*ab, rest...);
}

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t round_up(int64_t a, int64_t b) { return ceil_div(a, b) * b; }

}  // namespace lathe
