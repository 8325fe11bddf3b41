// AVX-512: 16 elements a register.
#include "kernels/activation/activation_backward.h"
#include "kernels/common/simd_rows.h"

namespace lathe::activation {
namespace {
#include "kernels/activation/activation_backward_steps.inl.h"
}  // namespace

const BackwardVariant backward_table_avx512 = {"activation_backward.avx512", Isa::avx512,
                                               &apply_backward<kernels::RowOps>, &gated_backward<kernels::RowOps>};

}  // namespace lathe::activation
