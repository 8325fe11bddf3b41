// AVX-512: 16 elements a register.
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

const CausalVariant causal_avx512 = {"causal_attention.avx512", Isa::avx512,
                                     &causal_forward<kernels::RowOps, TurnVector>,
                                     &causal_backward<kernels::RowOps, TurnVector>};

}  // namespace lathe::attention
