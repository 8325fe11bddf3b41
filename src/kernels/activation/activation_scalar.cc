// Any CPU: the same steps one element at a time.
#include "kernels/activation/activation.h"
#include "kernels/common/scalar_steps.h"

namespace lathe::activation {
namespace {
#include "kernels/activation/activation_steps.inl.h"
}  // namespace

const Variant table_scalar = {"activation.scalar", Isa::scalar, &apply<kernels::ScalarOps>, &gated<kernels::ScalarOps>};

}  // namespace lathe::activation
