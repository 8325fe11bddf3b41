// NEON: 4 elements a register.
#include "kernels/activation/activation_backward.h"
#include "kernels/common/simd_rows.h"

namespace lathe::activation {
namespace {
#include "kernels/activation/activation_backward_steps.inl.h"
}  // namespace

const BackwardVariant backward_table_neon = {"activation_backward.neon", Isa::neon, &apply_backward<kernels::RowOps>,
                                             &gated_backward<kernels::RowOps>};

}  // namespace lathe::activation
