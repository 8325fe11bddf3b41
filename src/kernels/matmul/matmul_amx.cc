// AMX: products of bytes by tiles; what is left to lanes is done by those of AVX-512 VNNI, which every CPU with AMX
// has. f32 products are those of the AVX-512 table.
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
struct AmxLanes : Avx512VnniLanes {
  static constexpr Isa kIsa = Isa::amx;
};
using V = AmxLanes;
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/amx.inl.h"
// clang-format on
}  // namespace

extern const std::span<const Variant> variants_amx = kRows;

}  // namespace lathe::matmul
