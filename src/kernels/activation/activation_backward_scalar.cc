// Any CPU: the same steps one element at a time.
#include "kernels/activation/activation_backward.h"
#include "kernels/common/scalar_steps.h"

namespace lathe::activation {
namespace {
#include "kernels/activation/activation_backward_steps.inl.h"
}  // namespace

const BackwardVariant backward_table_scalar = {"activation_backward.scalar", Isa::scalar,
                                               &apply_backward<kernels::ScalarOps>,
                                               &gated_backward<kernels::ScalarOps>};

}  // namespace lathe::activation
