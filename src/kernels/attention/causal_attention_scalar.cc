// Any CPU: the same steps one element at a time.
#include "kernels/attention/causal_attention.h"
#include "kernels/common/scalar_steps.h"

namespace lathe::attention {
namespace {
// clang-format off
#include "kernels/attention/causal_attention_product.inl.h"
#include "kernels/attention/causal_attention_steps.inl.h"
// clang-format on
}  // namespace

const CausalVariant causal_scalar = {"causal_attention.scalar", Isa::scalar, &causal_forward<kernels::ScalarOps>,
                                     &causal_backward<kernels::ScalarOps>};

}  // namespace lathe::attention
