// The scalar policy, with everything written over a policy. For files compiled for the baseline; std::fma is one
// rounding with or without the instruction. No -ffast-math, no contraction: each operation rounds once.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "base/types.h"

namespace lathe::kernels {
namespace {

struct ScalarOps {
  using F = float;
  static constexpr int kLanes = 1;

  static float set(float v) { return v; }
  static float load(const float* p) { return *p; }
  static void store(float v, float* p) { *p = v; }
  // The first `count` lanes, 0 <= count <= kLanes; the others become `fill`, and their memory is not touched.
  static float keep_part(float v, int64_t count, float fill) { return count > 0 ? v : fill; }
  static float load_part(const float* p, int64_t count, float fill) { return count > 0 ? *p : fill; }
  static void store_part(float v, float* p, int64_t count) {
    if (count > 0) *p = v;
  }
  // kLanes pairs a, b, a, b, ...
  static void load_pairs(const float* p, float& a, float& b) { a = p[0], b = p[1]; }
  static void store_pairs(float a, float b, float* p) { p[0] = a, p[1] = b; }

  // kLanes elements of 16 bits or 8, widened without loss; rounded to the nearest, ties to even
  static float load_f16(const uint16_t* p) { return to_float(f16{*p}); }
  static float load_bf16(const uint16_t* p) { return to_float(bf16{*p}); }
  static float load_s8(const int8_t* p) { return static_cast<float>(*p); }
  static void store_f16(float v, uint16_t* p) { *p = to_f16(v).bits; }
  static void store_bf16(float v, uint16_t* p) { *p = to_bf16(v).bits; }

  static float fma(float a, float b, float c) { return std::fma(a, b, c); }
  static float sqrt(float a) { return std::sqrt(a); }
  static float min(float a, float b) { return a < b ? a : b; }
  static float max(float a, float b) { return a > b ? a : b; }
  static float negate(float x) { return -x; }
  static float neg_abs(float x) { return -std::fabs(x); }
  static float copy_sign(float magnitude, float sign) { return std::copysign(magnitude, sign); }
  // x < 0 ? yes : no; -0 and NaN are not below 0
  static float select_negative(float x, float yes, float no) { return x < 0.0f ? yes : no; }
  static uint32_t bits(float x) { return std::bit_cast<uint32_t>(x); }
  static float from_bits(uint32_t u) { return std::bit_cast<float>(u); }
  template <int k>
  static uint32_t shl(uint32_t u) {
    return u << k;
  }
  template <int k>
  static uint32_t shr(uint32_t u) {
    return u >> k;
  }
};

// clang-format off
#include "kernels/common/math_steps.inl.h"
#include "kernels/common/lanes16.inl.h"
// clang-format on

}  // namespace
}  // namespace lathe::kernels
