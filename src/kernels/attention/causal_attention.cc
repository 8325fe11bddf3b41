#include "kernels/attention/causal_attention.h"

#include "kernels/common/rows_table.h"

namespace lathe::attention {
namespace {
constexpr const CausalVariant* kTable[] = {
#if defined(__x86_64__)  // which files cmake/LatheSources.cmake compiles
    &causal_table_avx512, &causal_table_avx2,
#elif defined(__aarch64__)
    &causal_table_neon,
#endif
    &causal_table_scalar};
}  // namespace

// Five arrays of the text and three of a block, two blocks of scores, and a few numbers of a row.
int64_t causal_scratch_bytes(int64_t length, int64_t head_dim) {
  const int64_t positions = (length + kCausalBlock - 1) / kCausalBlock * kCausalBlock,
                width = (head_dim + 15) / 16 * 16;
  const int64_t floats = (5 * positions + 3 * kCausalBlock) * width + kCausalBlock * (2 * kCausalBlock + 16 + 1);
  return floats * static_cast<int64_t>(sizeof(float));
}

std::span<const CausalVariant* const> causal_variants() { return kTable; }
const CausalVariant& best_causal(FeatureSet features) { return kernels::best_row(causal_variants(), features); }

}  // namespace lathe::attention
