// The table of AMX with AVX2 lanes, for CPUs without AVX-512: linked in place of the library's, whose lanes are those
// of AVX-512. Tiles, loops and preparation are the same text.
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
struct AmxLanes : Avx2Lanes {
  static constexpr Isa kIsa = Isa::amx;
};
using V = AmxLanes;
#include "kernels/matmul/kernels.inl.h"
#include "kernels/matmul/amx.inl.h"
// clang-format on
}  // namespace

extern const std::span<const Variant> variants_amx = kRows;

}  // namespace lathe::matmul
