// NEON: 4 elements a register.
#include "kernels/attention/causal_attention.h"
#include "kernels/common/simd_rows.h"

namespace lathe::attention {
namespace {
// clang-format off
#include "kernels/attention/causal_attention_product.inl.h"
#include "kernels/attention/causal_attention_steps.inl.h"
#include "kernels/attention/causal_attention_vector.inl.h"
// clang-format on
}  // namespace

const CausalVariant causal_table_neon = {"causal_attention.neon", Isa::neon,
                                         &causal_forward<kernels::RowOps, TurnVector>,
                                         &causal_backward<kernels::RowOps, TurnVector>};

}  // namespace lathe::attention
