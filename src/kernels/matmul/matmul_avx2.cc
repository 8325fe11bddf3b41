// AVX2, FMA and F16C: 16 registers, so a tile of 6 rows by 16 columns (12 accumulators, 2 of weights, 1 broadcast).
#include <immintrin.h>

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
#include "kernels/matmul/lanes_avx2.inl.h"
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/row.inl.h"
// clang-format on

using V = Avx2Lanes;
constexpr Variant kRows[] = {
    row_f32_few<V, PanelF32>("avx2.f32.f32.row", Type::f32, Layout::panel_f32,
                             "one or two rows, weights read where they lie"),
    row_f32_few<V, PanelBf16>("avx2.f32.bf16.row", Type::bf16, Layout::panel_bf16,
                              "one or two rows, weights read where they lie"),
    row_f32_few<V, PanelF16>("avx2.f32.f16.row", Type::f16, Layout::panel_f16,
                             "one or two rows, weights read where they lie"),
    row_f32<V, PanelF32, 6, 1, 320>("avx2.f32.f32.strips", Type::f32, Layout::panel_f32,
                                    "6x16 tile, A in strips, K in chunks of 256"),
    row_f32<V, PanelBf16, 6, 1, 320>("avx2.f32.bf16.strips", Type::bf16, Layout::panel_bf16,
                                     "6x16 tile, chunks of W widened to f32"),
    row_f32<V, PanelF16, 6, 1, 320>("avx2.f32.f16.strips", Type::f16, Layout::panel_f16,
                                    "6x16 tile, chunks of W widened to f32"),
    row_f32<V, RowsF32, 6, 1, 320>("avx2.f32.f32.rows", Type::f32, Layout::rows_f32, "6x16 tile, W [K,N] in place"),
    row_f32<V, ColsF32, 6, 1, 320>("avx2.f32.f32.cols", Type::f32, Layout::cols_f32,
                                   "6x16 tile, W [N,K] in place, transposed chunk by chunk"),
    row_a16_few<V>("avx2.a16.q8_0.row", "up to four rows, weights read where they lie"),
    row_a16<V, PanelQ8, 6, 512>("avx2.a16.q8_0.blocked", Type::q8_0, Layout::panel_q8,
                                "6x16 tile of vpmaddwd, chunks of W widened to s16"),
    row_a8_few<V, CodesQ4_0>("avx2.a8.q4_0.row", Type::q4_0, Layout::panel_q4,
                             "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ4_1>("avx2.a8.q4_1.row", Type::q4_1, Layout::panel_q4m,
                             "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ4K>("avx2.a8.q4_k.row", Type::q4_k, Layout::panel_q4k,
                            "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ5K>("avx2.a8.q5_k.row", Type::q5_k, Layout::panel_q5k,
                            "one or two rows, weights read where they lie"),
    row_a8_few<V, CodesQ6K>("avx2.a8.q6_k.row", Type::q6_k, Layout::panel_q6k,
                            "one or two rows, weights read where they lie"),
    row_a8<V, CodesQ4_0, 6, 512>("avx2.a8.q4_0.blocked", Type::q4_0, Layout::panel_q4,
                                 "6x16 tile of vpmaddubsw, chunks of W as bytes"),
    row_a8<V, CodesQ4_1, 6, 512>("avx2.a8.q4_1.blocked", Type::q4_1, Layout::panel_q4m,
                                 "6x16 tile of vpmaddubsw, chunks of W as bytes"),
    row_a8<V, CodesQ4K, 6, 512>("avx2.a8.q4_k.blocked", Type::q4_k, Layout::panel_q4k,
                                "6x16 tile of vpmaddubsw, chunks of W as bytes"),
    row_a8<V, CodesQ5K, 6, 512>("avx2.a8.q5_k.blocked", Type::q5_k, Layout::panel_q5k,
                                "6x16 tile of vpmaddubsw, chunks of W as bytes"),
    row_a8<V, CodesQ6K, 6, 512>("avx2.a8.q6_k.blocked", Type::q6_k, Layout::panel_q6k,
                                "6x16 tile of vpmaddubsw, chunks of W as bytes"),
    row_a7<V, 6, 512>("avx2.a7.q8_a7.blocked", "6x16 tile of vpmaddubsw, W where it lies"),
    row_b16<V, 6, 512>("avx2.b16.bf16_b16.blocked", "6x16 tile, W widened as it is read"),
    row_a16r<V, 6, 512>("avx2.a16r.i8.blocked", "6x16 tile of vpmaddwd over all of K"),
    row_s32<V, 6, 512>("avx2.s32.s8s8.blocked", Type::s8, "6x16 tile of vpmaddwd, exact"),
    row_s32<V, 6, 512>("avx2.s32.u8s8.blocked", Type::u8, "6x16 tile of vpmaddwd, exact"),
};
}  // namespace

extern const std::span<const Variant> variants_avx2 = kRows;

}  // namespace lathe::matmul
