#include "kernels/matmul/matmul.h"

#include <vector>

#include "kernels/matmul/layout.h"
#include "kernels/matmul/refusals.h"
#include "kernels/matmul/table.h"

namespace lathe::matmul {

std::string_view type_name(Type type) {
  switch (type) {
    case Type::f32:
      return "f32";
    case Type::bf16:
      return "bf16";
    case Type::f16:
      return "f16";
    case Type::q8_0:
      return "q8_0";
    case Type::q4_0:
      return "q4_0";
    case Type::i8:
      return "i8";
    case Type::s8:
      return "s8";
    case Type::u8:
      return "u8";
    case Type::s32:
      return "s32";
    case Type::q8_a7:
      return "q8_a7";
    case Type::q4_1:
      return "q4_1";
    case Type::q4_k:
      return "q4_k";
    case Type::q5_k:
      return "q5_k";
    case Type::q6_k:
      return "q6_k";
    case Type::bf16_b16:
      return "bf16_b16";
    case Type::bf16_d16:
      return "bf16_d16";
  }
  return "?";
}

std::string_view order_name(Order order) { return order == Order::nk ? "nk" : "kn"; }

std::string_view activation_name(Activation activation) {
  switch (activation) {
    case Activation::none:
      return "none";
    case Activation::relu:
      return "relu";
    case Activation::gelu_erf:
      return "gelu";
    case Activation::gelu_tanh:
      return "gelu_tanh";
    case Activation::silu:
      return "silu";
  }
  return "?";
}

std::string_view layout_name(Layout layout) {
  switch (layout) {
    case Layout::panel_f32:
      return "panel_f32";
    case Layout::panel_bf16:
      return "panel_bf16";
    case Layout::panel_f16:
      return "panel_f16";
    case Layout::panel_q8:
      return "panel_q8";
    case Layout::panel_q4:
      return "panel_q4";
    case Layout::panel_q4m:
      return "panel_q4m";
    case Layout::panel_q4k:
      return "panel_q4k";
    case Layout::panel_q5k:
      return "panel_q5k";
    case Layout::panel_q6k:
      return "panel_q6k";
    case Layout::panel_i8:
      return "panel_i8";
    case Layout::panel_q8s:
      return "panel_q8s";
    case Layout::panel_b16:
      return "panel_b16";
    case Layout::rows_f32:
      return "rows_f32";
    case Layout::cols_f32:
      return "cols_f32";
  }
  return "?";
}

std::span<const Variant* const> variants() {
  static const std::vector<const Variant*> all = [] {
    std::vector<const Variant*> rows;
#if defined(__x86_64__)
    const std::span<const Variant> tables[] = {variants_amx,    variants_avx512_vnni, variants_avx512_bf16,
                                               variants_avx512, variants_avx_vnni,    variants_avx2,
                                               variants_scalar};
#elif defined(__aarch64__)
    const std::span<const Variant> tables[] = {variants_sme,  variants_neon_bf16, variants_i8mm,  variants_dotprod,
                                               variants_neon, variants_sve,       variants_scalar};
#else
    const std::span<const Variant> tables[] = {variants_scalar};
#endif
    for (const auto& table : tables)
      for (const Variant& row : table) rows.push_back(&row);
    return rows;
  }();
  return all;
}

const Variant* find_variant(std::string_view name) {
  for (const Variant* row : variants())
    if (name == row->name) return row;
  return nullptr;
}

namespace {

Layout wanted_layout(const Problem& p) {
  if (p.prepared) return prepared_layout(p.w);
  return p.order == Order::nk ? Layout::cols_f32 : Layout::rows_f32;
}

}  // namespace

std::string refusal(const Variant& variant, const Problem& problem, FeatureSet features) {
  if (problem.m < 1 || problem.n < 1 || problem.k < 1 || problem.batch < 1)
    return "M, N, K and batch must be at least 1";
  if (variant.a != problem.a) return "reads activations of type " + std::string(type_name(variant.a));
  if (variant.w != problem.w) return "reads weights of type " + std::string(type_name(variant.w));
  if (variant.layout != wanted_layout(problem))
    return "reads W as " + std::string(layout_name(variant.layout)) + ", this product has it as " +
           std::string(layout_name(wanted_layout(problem)));
  if (!has_all(features, isa_needs(variant.isa)))
    return "needs " + missing_features(features, isa_needs(variant.isa)) + ", which this CPU lacks";
  if (variant.m_max != 0 && problem.m > variant.m_max)
    return "is for at most " + std::to_string(variant.m_max) + " rows";
  const char* reason = variant.refuses(variant, problem);
  return reason != nullptr ? reason : "";
}

const char* refuses_f32(const Variant&, const Problem& p) noexcept {
  if (p.c == Type::s32) return "its sums are f32, and C is s32";
  if (p.gated && p.accumulate) return "a gated product has no beta";
  if (p.gated && p.col_scale) return "a gated product has no column scale";
  return nullptr;
}

const char* refuses_quantised(const Variant& self, const Problem& p) noexcept {
  if (k_unit(p.w) > kBlock && p.k % k_unit(p.w) != 0) return "blocks of 256 need K to be a multiple of 256";
  // a16r keeps at least 7 bits of activation: K * 127 * 128 must fit s32.
  if (self.a_form == AForm::quant_row && p.k > 131072) return "sums over K beyond 131072 could overflow s32";
  return refuses_f32(self, p);
}

const char* refuses_integer(const Variant&, const Problem& p) noexcept {
  if (p.c != Type::s32 && p.c != Type::f32) return "integer sums go to s32 or f32";
  if (p.k > 65536) return "sums over K beyond 65536 could overflow s32";  // 65536 * 255 * 128 < 2^31
  if (p.gated) return "integer products are not gated";
  if (p.c == Type::s32 && (p.act != Activation::none || p.bias || p.residual || p.accumulate || p.col_scale))
    return "an s32 result has no float epilogue";
  return nullptr;
}

}  // namespace lathe::matmul
