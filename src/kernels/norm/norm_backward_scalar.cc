// Any CPU: the same steps one element at a time.
#include "kernels/common/scalar_steps.h"
#include "kernels/norm/norm.h"
#include "kernels/norm/norm_backward.h"

namespace lathe::norm {
namespace {
// clang-format off
#include "kernels/norm/norm_steps.inl.h"
#include "kernels/norm/norm_backward_steps.inl.h"
// clang-format on
}  // namespace

const BackwardVariant backward_table_scalar = {
    "norm_backward.scalar", Isa::scalar, &input_rows<kernels::ScalarOps, false>, &input_rows<kernels::ScalarOps, true>,
    &weight_columns<kernels::ScalarOps>};

}  // namespace lathe::norm
