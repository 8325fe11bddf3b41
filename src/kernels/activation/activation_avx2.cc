// AVX2: 8 elements a register.
#include "kernels/activation/activation.h"
#include "kernels/common/simd_rows.h"

namespace lathe::activation {
namespace {
#include "kernels/activation/activation_steps.inl.h"
}  // namespace

const Variant table_avx2 = {"activation.avx2", Isa::avx2, &apply<kernels::RowOps>, &gated<kernels::RowOps>};

}  // namespace lathe::activation
