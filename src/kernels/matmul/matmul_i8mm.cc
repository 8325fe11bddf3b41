// The matrix product of bytes of Armv8.6 (optional from 8.2 on). What is for few rows waits for memory and is as with
// the dot product: two rows of it take as many sdot as smmla and zip.
#include <arm_neon.h>

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
#include "kernels/matmul/lanes_dotprod.inl.h"
#include "kernels/matmul/lanes_i8mm.inl.h"
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/tile_pairs.inl.h"
#include "kernels/matmul/row.inl.h"
// clang-format on

using V = I8mmLanes;
constexpr Variant kRows[] = {
    row_a8_few<V, CodesQ4_0>("i8mm.a8.q4_0.row", Type::q4_0, Layout::panel_q4,
                             "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ4_1>("i8mm.a8.q4_1.row", Type::q4_1, Layout::panel_q4m,
                             "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ4K>("i8mm.a8.q4_k.row", Type::q4_k, Layout::panel_q4k,
                            "up to four rows, weights read where they lie"),
    row_a8_few<V, CodesQ5K>("i8mm.a8.q5_k.row", Type::q5_k, Layout::panel_q5k,
                            "one or two rows, weights read where they lie"),
    row_a8_few<V, CodesQ6K>("i8mm.a8.q6_k.row", Type::q6_k, Layout::panel_q6k,
                            "one or two rows, weights read where they lie"),
    row_a8<V, CodesQ4_0, 6, 512>("i8mm.a8.q4_0.blocked", Type::q4_0, Layout::panel_q4,
                                 "6x16 tile of smmla, chunks of W as bytes"),
    row_a8<V, CodesQ4_1, 6, 512>("i8mm.a8.q4_1.blocked", Type::q4_1, Layout::panel_q4m,
                                 "6x16 tile of smmla, chunks of W as bytes"),
    row_a8<V, CodesQ4K, 6, 512>("i8mm.a8.q4_k.blocked", Type::q4_k, Layout::panel_q4k,
                                "6x16 tile of smmla, chunks of W as bytes"),
    row_a8<V, CodesQ5K, 6, 512>("i8mm.a8.q5_k.blocked", Type::q5_k, Layout::panel_q5k,
                                "6x16 tile of smmla, chunks of W as bytes"),
    row_a8<V, CodesQ6K, 6, 512>("i8mm.a8.q6_k.blocked", Type::q6_k, Layout::panel_q6k,
                                "6x16 tile of smmla, chunks of W as bytes"),
    row_a7<V, 6, 512>("i8mm.a7.q8_a7.blocked", "6x16 tile of smmla, W where it lies"),
};
}  // namespace

extern const std::span<const Variant> variants_i8mm = kRows;

}  // namespace lathe::matmul
