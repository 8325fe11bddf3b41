// Any CPU: the same steps one element at a time.
#include "kernels/attention/causal_attention.h"
#include "kernels/common/scalar_steps.h"

namespace lathe::attention {
namespace {
// clang-format off
#include "kernels/attention/causal_attention_product.inl.h"
#include "kernels/attention/causal_attention_steps.inl.h"
// clang-format on

struct TurnScalar {
  static void four(const float* from, int64_t from_row, float* to, int64_t to_row) {
    for (int64_t j = 0; j < 4; ++j)
      for (int64_t c = 0; c < 4; ++c) to[c * to_row + j] = from[j * from_row + c];
  }
};
}  // namespace

const CausalVariant causal_scalar = {"causal_attention.scalar", Isa::scalar,
                                     &causal_forward<kernels::ScalarOps, TurnScalar>,
                                     &causal_backward<kernels::ScalarOps, TurnScalar>};

}  // namespace lathe::attention
