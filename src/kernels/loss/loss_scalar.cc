// Any CPU: the same steps one element at a time.
#include "kernels/common/scalar_steps.h"
#include "kernels/loss/loss.h"

namespace lathe::loss {
namespace {
#include "kernels/loss/loss_steps.inl.h"
}  // namespace

const Variant table_scalar = {"cross_entropy.scalar", Isa::scalar, &cross_entropy<kernels::ScalarOps>};

}  // namespace lathe::loss
