// SVE: 8 rows by two vectors of whatever length the CPU has, by element of eight activations that one load repeats in
// every 128 bits: 16 accumulators, 2 registers of weights, 2 of activations. Two panels a tile, so that vectors of 512
// bits have their second one. The table lists NEON before it: of the cores made so far only A64FX multiplies more
// numbers a cycle in SVE than in NEON, and none was there to be timed. The probe decides.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)  // the activations' lanes are NEON's
#include <arm_neon.h>
#include <arm_sve.h>

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
#include "kernels/matmul/lanes_sve.inl.h"
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/tile_sve.inl.h"
// clang-format on

using V = SveLanes;
constexpr Variant kRows[] = {
    row_f32<V, PanelF32, 8, 2, 320>("sve.f32.f32.strips", Type::f32, Layout::panel_f32,
                                    "8 rows by 2 vectors of any length, A in strips"),
    row_f32<V, PanelBf16, 8, 2, 320>("sve.f32.bf16.strips", Type::bf16, Layout::panel_bf16,
                                     "8 rows by 2 vectors of any length, chunks of W widened to f32"),
    row_f32<V, PanelF16, 8, 2, 320>("sve.f32.f16.strips", Type::f16, Layout::panel_f16,
                                    "8 rows by 2 vectors of any length, chunks of W widened to f32"),
    row_f32<V, RowsF32, 8, 2, 320>("sve.f32.f32.rows", Type::f32, Layout::rows_f32,
                                   "8 rows by 2 vectors of any length, W [K,N] in place"),
    row_f32<V, ColsF32, 8, 2, 320>("sve.f32.f32.cols", Type::f32, Layout::cols_f32,
                                   "8 rows by 2 vectors of any length, W [N,K] in place, transposed chunk by chunk"),
};
}  // namespace

extern const std::span<const Variant> variants_sve = kRows;

}  // namespace lathe::matmul
