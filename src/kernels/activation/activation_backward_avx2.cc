// AVX2: 8 elements a register.
#include "kernels/activation/activation_backward.h"
#include "kernels/common/simd_rows.h"

namespace lathe::activation {
namespace {
#include "kernels/activation/activation_backward_steps.inl.h"
}  // namespace

const BackwardVariant backward_table_avx2 = {"activation_backward.avx2", Isa::avx2, &apply_backward<kernels::RowOps>,
                                             &gated_backward<kernels::RowOps>};

}  // namespace lathe::activation
