// Any CPU: the same steps one element at a time.
#include "kernels/common/scalar_steps.h"
#include "kernels/norm/norm.h"

namespace lathe::norm {
namespace {
#include "kernels/norm/norm_steps.inl.h"
}  // namespace

const Variant table_scalar = {"norm.scalar", Isa::scalar, &layer_norm<kernels::ScalarOps>,
                              &rms_norm<kernels::ScalarOps>};

}  // namespace lathe::norm
