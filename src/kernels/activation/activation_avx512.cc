// AVX-512: 16 elements a register.
#include "kernels/activation/activation.h"
#include "kernels/common/simd_rows.h"

namespace lathe::activation {
namespace {
#include "kernels/activation/activation_steps.inl.h"
}  // namespace

const Variant table_avx512 = {"activation.avx512", Isa::avx512, &apply<kernels::RowOps>, &gated<kernels::RowOps>};

}  // namespace lathe::activation
