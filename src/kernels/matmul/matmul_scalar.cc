// The reference in the same numerics, and the fallback of machines without AVX2.
#include <bit>
#include <cmath>
#include <utility>

#include "base/types.h"
#include "kernels/common/scalar_math.h"
#include "kernels/matmul/inline.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/refusals.h"
#include "kernels/matmul/table.h"

namespace lathe::matmul {
namespace {
// clang-format off
#include "kernels/matmul/lanes_scalar.inl.h"
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/prepare_d16.inl.h"
#include "kernels/matmul/tile_d16.inl.h"
// clang-format on

using V = ScalarLanes;
constexpr Variant kRows[] = {
    row_f32<V, PanelF32, 4, 1, 256>("scalar.f32.f32.blocked", Type::f32, Layout::panel_f32,
                                    "plain C++, the definition"),
    row_f32<V, PanelBf16, 4, 1, 256>("scalar.f32.bf16.blocked", Type::bf16, Layout::panel_bf16,
                                     "plain C++, the definition"),
    row_f32<V, PanelF16, 4, 1, 256>("scalar.f32.f16.blocked", Type::f16, Layout::panel_f16,
                                    "plain C++, the definition"),
    row_f32<V, RowsF32, 4, 1, 256>("scalar.f32.f32.rows", Type::f32, Layout::rows_f32, "plain C++, W [K,N] in place"),
    row_f32<V, ColsF32, 4, 1, 256>("scalar.f32.f32.cols", Type::f32, Layout::cols_f32, "plain C++, W [N,K] in place"),
    row_a16<V, PanelQ8, 4, 256>("scalar.a16.q8_0.blocked", Type::q8_0, Layout::panel_q8, "plain C++, the definition"),
    row_a8<V, CodesQ4_0, 4, 256>("scalar.a8.q4_0.blocked", Type::q4_0, Layout::panel_q4, "plain C++, the definition"),
    row_a8<V, CodesQ4_1, 4, 256>("scalar.a8.q4_1.blocked", Type::q4_1, Layout::panel_q4m, "plain C++, the definition"),
    row_a8<V, CodesQ4K, 4, 256>("scalar.a8.q4_k.blocked", Type::q4_k, Layout::panel_q4k, "plain C++, the definition"),
    row_a8<V, CodesQ5K, 4, 256>("scalar.a8.q5_k.blocked", Type::q5_k, Layout::panel_q5k, "plain C++, the definition"),
    row_a8<V, CodesQ6K, 4, 256>("scalar.a8.q6_k.blocked", Type::q6_k, Layout::panel_q6k, "plain C++, the definition"),
    row_a7<V, 4, 256>("scalar.a7.q8_a7.blocked", "plain C++, the definition"),
    row_b16<V, 4, 256>("scalar.b16.bf16_b16.blocked", "plain C++, the definition"),
    row_d16<V, TilesD16, 4, 256>("scalar.d16.bf16_d16.blocked", "plain C++, the definition"),
    row_a16r<V, 4, 256>("scalar.a16r.i8.blocked", "plain C++, the definition"),
    row_s32<V, 4, 256>("scalar.s32.s8s8.blocked", Type::s8, "plain C++, the definition"),
    row_s32<V, 4, 256>("scalar.s32.u8s8.blocked", Type::u8, "plain C++, the definition"),
};
}  // namespace

extern const std::span<const Variant> variants_scalar = kRows;

}  // namespace lathe::matmul
