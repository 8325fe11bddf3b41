// Any CPU: the same steps one lane at a time.
#include "kernels/common/scalar_steps.h"
#include "kernels/paged_attention/paged_attention.h"
#include "quant/blocks.h"

namespace lathe::paged_attention {
namespace {
#include "kernels/paged_attention/paged_attention_steps.inl.h"
}  // namespace

const Variant table_scalar = {"paged_attention.scalar", Isa::scalar, &run<kernels::ScalarOps>,
                              &store<kernels::ScalarOps>};

}  // namespace lathe::paged_attention
