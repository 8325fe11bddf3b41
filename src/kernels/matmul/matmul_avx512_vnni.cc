// AVX-512 VNNI: integer products only; f32 ones are those of the AVX-512 table.
#include <utility>

#include "base/types.h"
#include "kernels/common/avx512_intrinsics.h"
#include "kernels/common/simd_math.h"
#include "kernels/matmul/inline.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/refusals.h"
#include "kernels/matmul/table.h"

namespace lathe::matmul {
namespace {
// clang-format off
#include "kernels/matmul/lanes_avx512.inl.h"
#include "kernels/matmul/lanes_avx512_vnni.inl.h"
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/row.inl.h"
// clang-format on

using V = Avx512VnniLanes;
constexpr Variant kRows[] = {
    row_a16_few<V>("avx512_vnni.a16.q8_0.row", "up to four rows, weights read where they lie"),
    row_a16<V, PanelQ8, 14, 256>("avx512_vnni.a16.q8_0.blocked", Type::q8_0, Layout::panel_q8,
                                 "14x16 tile of vpdpwssd, chunks of W widened to s16"),
    row_a8_few<V, CodesQ4_0>("avx512_vnni.a8.q4_0.row", Type::q4_0, Layout::panel_q4,
                             "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ4_1>("avx512_vnni.a8.q4_1.row", Type::q4_1, Layout::panel_q4m,
                             "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ4K>("avx512_vnni.a8.q4_k.row", Type::q4_k, Layout::panel_q4k,
                            "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ5K>("avx512_vnni.a8.q5_k.row", Type::q5_k, Layout::panel_q5k,
                            "one or two rows, weights read where they lie"),
    row_a8_few<V, CodesQ6K>("avx512_vnni.a8.q6_k.row", Type::q6_k, Layout::panel_q6k,
                            "one or two rows, weights read where they lie"),
    row_a8<V, CodesQ4_0, 14, 512>("avx512_vnni.a8.q4_0.blocked", Type::q4_0, Layout::panel_q4,
                                  "14x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a8<V, CodesQ4_1, 14, 512>("avx512_vnni.a8.q4_1.blocked", Type::q4_1, Layout::panel_q4m,
                                  "14x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a8<V, CodesQ4K, 14, 512>("avx512_vnni.a8.q4_k.blocked", Type::q4_k, Layout::panel_q4k,
                                 "14x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a8<V, CodesQ5K, 14, 512>("avx512_vnni.a8.q5_k.blocked", Type::q5_k, Layout::panel_q5k,
                                 "14x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a8<V, CodesQ6K, 14, 512>("avx512_vnni.a8.q6_k.blocked", Type::q6_k, Layout::panel_q6k,
                                 "14x16 tile of vpdpbusd, chunks of W as bytes"),
    row_a7<V, 14, 512>("avx512_vnni.a7.q8_a7.blocked", "14x16 tile of vpdpbusd, W where it lies"),
    row_a16r<V, 14, 256>("avx512_vnni.a16r.i8.blocked", "14x16 tile of vpdpwssd over all of K"),
    row_s32<V, 14, 256>("avx512_vnni.s32.s8s8.blocked", Type::s8, "14x16 tile of vpdpwssd, exact"),
    row_s32<V, 14, 256>("avx512_vnni.s32.u8s8.blocked", Type::u8, "14x16 tile of vpdpwssd, exact"),
};
}  // namespace

extern const std::span<const Variant> variants_avx512_vnni = kRows;

}  // namespace lathe::matmul
