#include "kernels/activation/activation.h"

#include "kernels/common/rows_table.h"

namespace lathe::activation {
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

std::string_view function_name(Function function) {
  switch (function) {
    case Function::relu:
      return "relu";
    case Function::silu:
      return "silu";
    case Function::gelu_erf:
      return "gelu_erf";
    case Function::gelu_tanh:
      return "gelu_tanh";
    case Function::tanh:
      return "tanh";
    case Function::sigmoid:
      return "sigmoid";
    case Function::erf:
      return "erf";
    case Function::exp:
      return "exp";
  }
  return "?";
}

}  // namespace lathe::activation
