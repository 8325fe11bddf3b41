// f32 vector math over Highway: exp_v, tanh_v, erf_v, sigmoid_v, relu, silu, gelu_erf, gelu_tanh on Vec<D>, for any f32
// tag D. Bits equal those of scalar_math.h at every vector width.
//
// Only for ISA files (`*_avx2.cc`, `*_avx512.cc`, ...): Highway compiles statically for the flags of the including
// file, and everything here lies in an unnamed namespace. No approximate reciprocals, no hwy/contrib/math.
#pragma once

// Highway counts AES and CLMUL as part of AVX2. We use neither, and our AVX2 unit does not ask the CPU for them.
#ifndef HWY_DISABLE_PCLMUL_AES
#define HWY_DISABLE_PCLMUL_AES 1
#endif
#include <hwy/highway.h>

#include <cstdint>

#if !defined(__FMA__) && !defined(__ARM_FEATURE_FMA)
#error "simd_math.h is for ISA files with a fused multiply-add"
#endif

namespace lathe::kernels {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The vector policy; ScalarOps (scalar_steps.h) says what each operation means.
template <class D>
struct VectorOps {
  using F = hn::Vec<D>;
  using DU = hn::RebindToUnsigned<D>;
  using U = hn::Vec<DU>;
  using DInt = hn::RebindToSigned<D>;
  using DShort = hn::Rebind<uint16_t, D>;
  using DHalf = hn::Rebind<hwy::float16_t, D>;

  static constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));

  static HWY_INLINE F load(const float* p) { return hn::LoadU(D(), p); }
  static HWY_INLINE void store(F v, float* p) { hn::StoreU(v, D(), p); }
  static HWY_INLINE F keep_part(F v, int64_t count, float fill) {
    return hn::IfThenElse(hn::FirstN(D(), static_cast<size_t>(count)), v, set(fill));
  }
  // What stands behind the part may be another thread's, or no memory at all. x86 masks the access itself; of NEON
  // Highway reads and writes whole vectors (BlendedStore: load, blend, store).
  static constexpr bool kMasksMemory = HWY_ARCH_X86 != 0;
  static HWY_INLINE F load_part(const float* p, int64_t count, float fill) {
    if constexpr (kMasksMemory)
      return keep_part(hn::MaskedLoad(hn::FirstN(D(), static_cast<size_t>(count)), D(), p), count, fill);
    HWY_ALIGN float part[kLanes];
    for (int64_t i = 0; i < kLanes; ++i) part[i] = i < count ? p[i] : fill;
    return hn::Load(D(), part);
  }
  static HWY_INLINE void store_part(F v, float* p, int64_t count) {
    if constexpr (kMasksMemory) return hn::BlendedStore(v, hn::FirstN(D(), static_cast<size_t>(count)), D(), p);
    HWY_ALIGN float part[kLanes];
    hn::Store(v, D(), part);
    for (int64_t i = 0; i < count; ++i) p[i] = part[i];
  }
  static HWY_INLINE void load_pairs(const float* p, F& a, F& b) { hn::LoadInterleaved2(D(), p, a, b); }
  static HWY_INLINE void store_pairs(F a, F b, float* p) { hn::StoreInterleaved2(a, b, D(), p); }

  static HWY_INLINE F load_f16(const uint16_t* p) {
    const DHalf half;
    return hn::PromoteTo(D(), hn::LoadU(half, reinterpret_cast<const hwy::float16_t*>(p)));
  }
  static HWY_INLINE F load_bf16(const uint16_t* p) {
    return hn::BitCast(D(), hn::ShiftLeft<16>(hn::PromoteTo(DU(), hn::LoadU(DShort(), p))));
  }
  static HWY_INLINE F load_s8(const int8_t* p) {
    const hn::Rebind<int8_t, D> bytes;
    const DInt wide;
    return hn::ConvertTo(D(), hn::PromoteTo(wide, hn::LoadU(bytes, p)));
  }
  static HWY_INLINE void store_f16(F v, uint16_t* p) {
    const DHalf half;
    hn::StoreU(hn::DemoteTo(half, v), half, reinterpret_cast<hwy::float16_t*>(p));
  }
  // As to_bf16 has it; a NaN stays one and becomes quiet.
  static HWY_INLINE void store_bf16(F v, uint16_t* p) {
    const U u = hn::BitCast(DU(), v);
    const U kept = hn::ShiftRight<16>(u);
    const U odd = hn::And(kept, hn::Set(DU(), 1));
    const U rounded = hn::ShiftRight<16>(hn::Add(u, hn::Add(odd, hn::Set(DU(), 0x7fff))));
    const U quiet = hn::Or(kept, hn::Set(DU(), 0x40));
    const auto nan = hn::Gt(hn::And(u, hn::Set(DU(), 0x7fffffff)), hn::Set(DU(), 0x7f800000));
    const DInt wide;
    hn::StoreU(hn::DemoteTo(DShort(), hn::BitCast(wide, hn::IfThenElse(nan, quiet, rounded))), DShort(), p);
  }

  static HWY_INLINE F set(float v) { return hn::Set(D(), v); }
  static HWY_INLINE F fma(F a, F b, F c) { return hn::MulAdd(a, b, c); }
  static HWY_INLINE F sqrt(F a) { return hn::Sqrt(a); }
#if HWY_ARCH_X86  // MINPS and MAXPS give the second operand where either is NaN
  static HWY_INLINE F min(F a, F b) { return hn::Min(a, b); }
  static HWY_INLINE F max(F a, F b) { return hn::Max(a, b); }
#else
  static HWY_INLINE F min(F a, F b) { return hn::IfThenElse(hn::Lt(a, b), a, b); }
  static HWY_INLINE F max(F a, F b) { return hn::IfThenElse(hn::Gt(a, b), a, b); }
#endif
  static HWY_INLINE F negate(F x) { return hn::Xor(x, hn::SignBit(D())); }
  static HWY_INLINE F neg_abs(F x) { return hn::Or(x, hn::SignBit(D())); }
  static HWY_INLINE F copy_sign(F magnitude, F sign) { return hn::CopySign(magnitude, sign); }
  static HWY_INLINE F select_negative(F x, F yes, F no) { return hn::IfThenElse(hn::Lt(x, hn::Zero(D())), yes, no); }
  static HWY_INLINE U bits(F x) { return hn::BitCast(DU(), x); }
  static HWY_INLINE F from_bits(U u) { return hn::BitCast(D(), u); }
  template <int k>
  static HWY_INLINE U shl(U u) {
    return hn::ShiftLeft<k>(u);
  }
  template <int k>
  static HWY_INLINE U shr(U u) {
    return hn::ShiftRight<k>(u);
  }
};

#include "kernels/common/math_steps.inl.h"

template <class D>
HWY_INLINE hn::Vec<D> exp_v(D, hn::Vec<D> x) {
  return exp_steps<VectorOps<D>>(x);
}
template <class D>
HWY_INLINE hn::Vec<D> tanh_v(D, hn::Vec<D> x) {
  return tanh_steps<VectorOps<D>>(x);
}
template <class D>
HWY_INLINE hn::Vec<D> erf_v(D, hn::Vec<D> x) {
  return erf_steps<VectorOps<D>>(x);
}
template <class D>
HWY_INLINE hn::Vec<D> sigmoid_v(D, hn::Vec<D> x) {
  return sigmoid_steps<VectorOps<D>>(x);
}
template <class D>
HWY_INLINE hn::Vec<D> relu(D, hn::Vec<D> x) {
  return relu_steps<VectorOps<D>>(x);
}
template <class D>
HWY_INLINE hn::Vec<D> silu(D, hn::Vec<D> x) {
  return silu_steps<VectorOps<D>>(x);
}
template <class D>
HWY_INLINE hn::Vec<D> gelu_erf(D, hn::Vec<D> x) {
  return gelu_erf_steps<VectorOps<D>>(x);
}
template <class D>
HWY_INLINE hn::Vec<D> gelu_tanh(D, hn::Vec<D> x) {
  return gelu_tanh_steps<VectorOps<D>>(x);
}

}  // namespace
}  // namespace lathe::kernels
