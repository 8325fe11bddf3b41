#include "kernels/activation/activation_backward.h"

#include "kernels/common/rows_table.h"

namespace lathe::activation {
namespace {
constexpr const BackwardVariant* kRows[] = {
#if defined(__x86_64__)  // which files cmake/LatheSources.cmake compiles
    &backward_table_avx512, &backward_table_avx2,
#elif defined(__aarch64__)
    &backward_table_neon,
#endif
    &backward_table_scalar};
}  // namespace

std::span<const BackwardVariant* const> backward_variants() { return kRows; }
const BackwardVariant& best_backward(FeatureSet features) { return kernels::best_row(backward_variants(), features); }

}  // namespace lathe::activation
