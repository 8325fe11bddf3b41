// The matrix product of bf16 of Armv8.6 (optional from 8.2 on). bfmlalb and bfmlalt, the fused products that would
// serve b16, multiply as many numbers as fmla: NEON's rows of b16 stand.
#include <arm_neon.h>

#include <bit>
#include <cmath>
#include <utility>

#include "base/types.h"
#include "kernels/common/scalar_math.h"
#include "kernels/common/simd_math.h"
#include "kernels/matmul/inline.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/refusals.h"
#include "kernels/matmul/table.h"

namespace lathe::matmul {
namespace {
// clang-format off
#include "kernels/matmul/lanes_scalar.inl.h"
#include "kernels/matmul/lanes_neon.inl.h"
#include "kernels/matmul/lanes_neon_bf16.inl.h"
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/prepare_d16.inl.h"
#include "kernels/matmul/tile_bfmmla.inl.h"
// clang-format on

constexpr Variant kRows[] = {
    row_d16<NeonBf16Lanes, TilesBfmmla, 6, 512>("neon_bf16.d16.bf16_d16.blocked",
                                                "6x16 tile of bfmmla, W where it lies"),
};
}  // namespace

extern const std::span<const Variant> variants_neon_bf16 = kRows;

}  // namespace lathe::matmul
