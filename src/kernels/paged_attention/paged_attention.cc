#include "kernels/paged_attention/paged_attention.h"

#include "kernels/common/rows_table.h"

namespace lathe::paged_attention {
namespace {
constexpr const Variant* kTable[] = {
#if defined(__x86_64__)  // which files cmake/LatheSources.cmake compiles
    &table_avx512, &table_avx2,
#elif defined(__aarch64__)
    &table_neon,
#endif
    &table_scalar};
}  // namespace

std::string_view type_name(Type type) {
  constexpr std::string_view kNames[] = {"f16", "bf16", "f32", "q8_0"};
  return kNames[static_cast<size_t>(type)];
}

std::span<const Variant* const> variants() { return kTable; }
const Variant* find(std::string_view name) { return kernels::find_row(variants(), name); }
const Variant& best(FeatureSet features) { return kernels::best_row(variants(), features); }

}  // namespace lathe::paged_attention
