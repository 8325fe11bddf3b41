#include "run/quantize_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/shown.h"
#include "quant/dequantize.h"

namespace lathe::run {
namespace {

// Matrices that stay F32, as llama.cpp keeps them: small ones, and those that pick experts or places.
constexpr std::array kKept = {"_norm.weight",          "position_embd.weight",      "token_types.weight",
                              "ffn_gate_inp.weight",   "ffn_gate_inp_shexp.weight", "ssm_conv1d.weight",
                              "shortconv.conv.weight", "attn_rel_b.weight",         "rope_freqs.weight"};

bool is_matrix(const TensorView& tensor) {
  if (tensor.shape.rank() < 2 || !tensor.name.ends_with(".weight")) return false;
  for (const char* name : kKept)
    if (tensor.name.ends_with(name)) return false;
  return true;
}

// The 7 of "blk.7.ffn_down.weight", or -1.
int64_t layer_of(std::string_view name) {
  int64_t layer = -1;
  if (name.starts_with("blk.")) std::from_chars(name.data() + 4, name.data() + name.size(), layer);
  return layer;
}

// llama.cpp's mixture "_M": the first and the last eighth of the layers and every third between them.
bool has_more_bits(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

bool is_whole(const TensorView& tensor, DType dtype) {
  return tensor.shape[tensor.shape.rank() - 1] % dtype_info(dtype).block == 0;
}

constexpr std::pair<DType, uint32_t> kFileTypes[] = {
    {DType::f32, 0},  {DType::f16, 1},   {DType::q4_0, 2},  {DType::q4_1, 3},  {DType::q8_0, 7},  {DType::q5_0, 8},
    {DType::q5_1, 9}, {DType::q4_k, 14}, {DType::q5_k, 16}, {DType::q6_k, 18}, {DType::bf16, 32},
};
constexpr uint32_t kGuessed = 1024;  // the tensors say it

}  // namespace

DType QuantizeRules::wanted(const TensorView& tensor) const {
  const DType type = types_.type.value_or(tensor.dtype);
  const bool words = tensor.name == "token_embd.weight";
  const bool head = tensor.name == "output.weight" || (words && tied_);
  if (words && types_.embedding) return *types_.embedding;
  if (head && types_.output) return *types_.output;
  if (!types_.mixed || (type != DType::q4_k && type != DType::q5_k)) return type;
  const bool tender = tensor.name.ends_with(".attn_v.weight") || tensor.name.ends_with(".ffn_down.weight");
  const int64_t layer = layer_of(tensor.name);
  return head || (tender && layer >= 0 && has_more_bits(layer, layers_)) ? DType::q6_k : type;
}

DType QuantizeRules::type_of(const TensorView& tensor) {
  if (dequantizer(tensor.dtype) == nullptr && dtype_info(tensor.dtype).block == 1) return tensor.dtype;
  if (!is_matrix(tensor)) return dtype_info(tensor.dtype).block == 1 ? DType::f32 : tensor.dtype;
  DType type = wanted(tensor);
  if (!is_whole(tensor, type)) {
    const bool q8 = is_whole(tensor, DType::q8_0);
    ++(q8 ? fallen_q8_ : fallen_f16_);
    if (first_fallen_.empty()) first_fallen_ = tensor.name;
    type = q8 ? DType::q8_0 : DType::f16;
  }
  values_[static_cast<size_t>(type)] += tensor.elements();
  return type;
}

std::vector<std::string> QuantizeRules::notes() const {
  std::vector<std::string> notes;
  for (const auto& [count, name] : {std::pair{fallen_q8_, "Q8_0"}, std::pair{fallen_f16_, "F16"}})
    if (count > 0)
      notes.push_back(fmt::format("{} tensor{} of rows that are no whole blocks became {} ({} {})", count,
                                  count == 1 ? "" : "s", name, count == 1 ? "it is" : "the first of all is",
                                  shown(first_fallen_)));
  return notes;
}

uint32_t QuantizeRules::file_type() const {
  const auto most = static_cast<DType>(std::ranges::max_element(values_) - values_.begin());
  for (const auto& [dtype, number] : kFileTypes)
    if (dtype == most) return number + (types_.mixed && (dtype == DType::q4_k || dtype == DType::q5_k) ? 1u : 0u);
  return kGuessed;
}

}  // namespace lathe::run
