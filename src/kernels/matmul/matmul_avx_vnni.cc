// AVX-VNNI: integer products only; f32 ones are those of the AVX2 table. A single row waits for memory, not for
// multiplications, so it runs as in AVX2.
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
#include "kernels/matmul/lanes_avx_vnni.inl.h"
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/row.inl.h"
// clang-format on

using V = AvxVnniLanes;
constexpr Variant kRows[] = {
    row_a16_few<V>("avx_vnni.a16.q8_0.row", "up to four rows, weights read where they lie"),
    row_a16<V, PanelQ8, 6, 256>("avx_vnni.a16.q8_0.blocked", Type::q8_0, Layout::panel_q8,
                                "6x16 tile of vpdpwssd, chunks of W widened to s16"),
    row_a8_few<V, CodesQ4_0>("avx_vnni.a8.q4_0.row", Type::q4_0, Layout::panel_q4,
                             "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ4_1>("avx_vnni.a8.q4_1.row", Type::q4_1, Layout::panel_q4m,
                             "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ4K>("avx_vnni.a8.q4_k.row", Type::q4_k, Layout::panel_q4k,
                            "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ5K>("avx_vnni.a8.q5_k.row", Type::q5_k, Layout::panel_q5k,
                            "one or two rows, weights read where they lie"),
    row_a8_few<V, CodesQ6K>("avx_vnni.a8.q6_k.row", Type::q6_k, Layout::panel_q6k,
                            "one or two rows, weights read where they lie"),
    row_a8<V, CodesQ4_0, 6, 512>("avx_vnni.a8.q4_0.blocked", Type::q4_0, Layout::panel_q4,
                                 "6x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a8<V, CodesQ4_1, 6, 512>("avx_vnni.a8.q4_1.blocked", Type::q4_1, Layout::panel_q4m,
                                 "6x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a8<V, CodesQ4K, 6, 512>("avx_vnni.a8.q4_k.blocked", Type::q4_k, Layout::panel_q4k,
                                "6x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a8<V, CodesQ5K, 6, 512>("avx_vnni.a8.q5_k.blocked", Type::q5_k, Layout::panel_q5k,
                                "6x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a8<V, CodesQ6K, 6, 512>("avx_vnni.a8.q6_k.blocked", Type::q6_k, Layout::panel_q6k,
                                "6x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a7<V, 6, 512>("avx_vnni.a7.q8_a7.blocked", "6x16 tile of vpdpbusd, W where it lies"),
    row_a16r<V, 6, 256>("avx_vnni.a16r.i8.blocked", "6x16 tile of vpdpwssd over all of K"),
    row_s32<V, 6, 256>("avx_vnni.s32.s8s8.blocked", Type::s8, "6x16 tile of vpdpwssd, exact"),
    row_s32<V, 6, 256>("avx_vnni.s32.u8s8.blocked", Type::u8, "6x16 tile of vpdpwssd, exact"),
};
}  // namespace

extern const std::span<const Variant> variants_avx_vnni = kRows;

}  // namespace lathe::matmul
