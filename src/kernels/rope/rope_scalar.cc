// Any CPU: the same steps one element at a time.
#include "kernels/common/scalar_steps.h"
#include "kernels/rope/rope.h"

namespace lathe::rope {
namespace {
#include "kernels/rope/rope_steps.inl.h"
}  // namespace

const Variant table_scalar = {"rope.scalar", Isa::scalar, &run<kernels::ScalarOps, kernels::ScalarOps>};

}  // namespace lathe::rope
