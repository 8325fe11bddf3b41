// AVX-512 BF16: products of bf16 only; f32 ones are those of the AVX-512 table.
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
#include "kernels/matmul/lanes_avx512_bf16.inl.h"
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/row.inl.h"
#include "kernels/matmul/tile_dpbf16.inl.h"
// clang-format on

using V = Avx512Bf16Lanes;
constexpr int kRowsOfTile = 12;  // by two chains, and four registers of W
using Tiles = TilesDpbf16<V, std::make_integer_sequence<int, kRowsOfTile>>;
constexpr Variant kRows[] = {
    row_dpbf16_one<V>("avx512_bf16.b16.bf16_b16.row", "one row by vdpbf16ps, W where it lies"),
    row_b16_of<V, Tiles, kRowsOfTile, 512>("avx512_bf16.b16.bf16_b16.blocked", prepare_pairs_b16<V>,
                                           "12x16 tile of vdpbf16ps, W where it lies"),
};
}  // namespace

extern const std::span<const Variant> variants_avx512_bf16 = kRows;

}  // namespace lathe::matmul
