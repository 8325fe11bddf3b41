// The rows that each instruction-set file exports; matmul.cc concatenates them into variants().
#pragma once

#include <span>

#include "kernels/matmul/matmul.h"

namespace lathe::matmul {

extern const std::span<const Variant> variants_scalar;
extern const std::span<const Variant> variants_avx2;
extern const std::span<const Variant> variants_avx512;
extern const std::span<const Variant> variants_avx512_vnni;
extern const std::span<const Variant> variants_avx512_bf16;
extern const std::span<const Variant> variants_avx_vnni;
extern const std::span<const Variant> variants_amx;
extern const std::span<const Variant> variants_neon;
extern const std::span<const Variant> variants_dotprod;
extern const std::span<const Variant> variants_i8mm;
extern const std::span<const Variant> variants_neon_bf16;
extern const std::span<const Variant> variants_sve;
extern const std::span<const Variant> variants_sme;

}  // namespace lathe::matmul
