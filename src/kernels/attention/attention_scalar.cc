// Any CPU: the same steps one row at a time.
#include "kernels/attention/attention.h"
#include "kernels/common/scalar_steps.h"

namespace lathe::attention {
namespace {
#include "kernels/attention/attention_steps.inl.h"
}  // namespace

const Variant table_scalar = {"attention.scalar", Isa::scalar, &run<kernels::ScalarOps>};

}  // namespace lathe::attention
