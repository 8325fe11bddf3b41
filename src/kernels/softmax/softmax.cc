#include "kernels/softmax/softmax.h"

#include "kernels/common/rows_table.h"

namespace lathe::softmax {
namespace {
constexpr const Variant* kRows[] = {
#if defined(__x86_64__)  // which files cmake/LatheSources.cmake compiles
    &table_avx512, &table_avx2,
#elif defined(__aarch64__)
    &table_neon,
#endif
    &table_scalar};
}  // namespace

std::span<const Variant* const> variants() { return kRows; }
const Variant* find(std::string_view name) { return kernels::find_row(variants(), name); }
const Variant& best(FeatureSet features) { return kernels::best_row(variants(), features); }

}  // namespace lathe::softmax
