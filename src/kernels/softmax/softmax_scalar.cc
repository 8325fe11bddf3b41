// Any CPU: the same steps one element at a time.
#include "kernels/common/scalar_steps.h"
#include "kernels/softmax/softmax.h"

namespace lathe::softmax {
namespace {
#include "kernels/softmax/softmax_steps.inl.h"
}  // namespace

const Variant table_scalar = {"softmax.scalar", Isa::scalar, &run<kernels::ScalarOps>};

}  // namespace lathe::softmax
