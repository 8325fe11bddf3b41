#include "models/decoder_export.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>
#include <string>
#include <utility>

#include "base/shown.h"
#include "formats/hf_config.h"
#include "models/decoder_config.h"
#include "models/decoder_family.h"
#include "models/decoder_names.h"
#include "models/decoder_tensors.h"
#include "models/export_tokenizer.h"
#include "models/field_reader.h"
#include "models/gpt2_weights.h"
#include "models/weight_binder.h"

namespace lathe::models {
namespace {

constexpr int64_t kSlidingPattern = 6;  // what llama.cpp takes for granted of Gemma 3
constexpr size_t kLargestGemma = 62;    // layers; see decoder_gguf.cc

// What a reader of GGUF takes for granted, since the format has no field for it.
Status check_unsaid(const Fields& config, const DecoderFamily& family, const DecoderConfig& c) {
  const auto no_words = [&](const std::string& what, const std::string& needed) {
    return unsupported(config.file() + ": " + what + ", needed for GGUF, which has no field for it: " + needed);
  };
  if (family.gpt2) return {};
  const auto activation = family.gemma ? matmul::Activation::gelu_tanh : matmul::Activation::silu;
  if (c.activation != activation)
    return no_words("the activation is another than the architecture's", family.gemma ? "gelu_pytorch_tanh" : "silu");
  for (size_t i = 0; i < c.layers.size(); ++i) {
    const auto number = static_cast<int64_t>(i + 1);
    if (!family.gemma && c.layers[i].sliding)
      return no_words("layer " + std::to_string(i) + " sees a window only", "layers that see all");
    if (c.layers[i].rotary != (family.no_rope == 0 || number % family.no_rope != 0))
      return no_words("layer " + std::to_string(i) + " is another than usual in having positions or none",
                      "every layer number " + std::to_string(family.no_rope) + " without");
  }
  const bool by_width = family.gemma && c.layers.size() == kLargestGemma;
  const float scale = 1 / std::sqrt(static_cast<float>(by_width ? c.width / c.heads : c.head_dim));
  if (std::fabs(c.attention_scale - scale) > 1e-6f * scale)
    return no_words("query_pre_attn_scalar is " + std::to_string(1 / (c.attention_scale * c.attention_scale)),
                    std::to_string(1 / (scale * scale)));
  if (family.gemma && (c.local.position_scale != 1 || !c.local.factors.empty() || !c.global.factors.empty()))
    return no_words("rope_scaling is not linear, or not of the layers that see all alone", "linear of those alone");
  return {};
}

void add_sizes(const DecoderFamily& family, const DecoderConfig& c, const std::string& at, GgufMetadata& to) {
  const auto add = [&](const char* name, int64_t value) { to.add(at + name, static_cast<uint32_t>(value)); };
  add("context_length", c.positions);
  add("embedding_length", c.width);
  add("block_count", static_cast<int64_t>(c.layers.size()));
  add("feed_forward_length", c.intermediate);
  add("attention.head_count", c.heads);
  if (family.gpt2) {
    to.add(at + "attention.layer_norm_epsilon", c.eps);
    return;
  }
  add("attention.head_count_kv", c.kv_heads);
  add("attention.key_length", c.head_dim);
  add("attention.value_length", c.head_dim);
  add("rope.dimension_count", c.head_dim);
  add("vocab_size", c.vocabulary);
  to.add(at + "attention.layer_norm_rms_epsilon", c.eps);
  to.add(at + "rope.freq_base", static_cast<float>(c.global.base));
}

// `object` is where config.json has the scaling; its kind was checked when the configuration was read.
Status add_scaling(const Fields& config, const std::string& object, const DecoderConfig& c, const std::string& at,
                   GgufExport& made) {
  FieldReader read(config);
  const std::string from = object + ".", to = at + "rope.scaling.";
  const auto type = config.string_or(from + (config.has(from + "rope_type") ? "rope_type" : "type"), "default");
  if (!type) return type.status();
  if (*type == "linear") {
    made.metadata.add(to + "type", "linear");
    made.metadata.add(to + "factor", static_cast<float>(c.global.position_scale));
  } else if (*type == "yarn") {
    const auto original = read.count_or(from + "original_max_position_embeddings", c.positions);
    const double factor =
        read.number_or(from + "factor", static_cast<double>(c.positions) / static_cast<double>(original), {1e-3, 1e6});
    const YarnScaling usual;
    made.metadata.add(to + "type", "yarn");
    made.metadata.add(to + "factor", static_cast<float>(factor));
    made.metadata.add(to + "original_context_length", static_cast<uint32_t>(original));
    made.metadata.add(to + "yarn_beta_fast",
                      static_cast<float>(read.number_or(from + "beta_fast", usual.beta_fast, {1e-3, 1e6})));
    made.metadata.add(to + "yarn_beta_slow",
                      static_cast<float>(read.number_or(from + "beta_slow", usual.beta_slow, {1e-3, 1e6})));
    // Readers multiply it by their own.
    made.metadata.add(to + "attn_factor", static_cast<float>(c.global.magnitude / yarn_magnitude(factor)));
    if (!read.flag_or(from + "truncate", true))
      return unsupported(config.file() + ": " + from +
                         "truncate is false, needed: true, since GGUF has no field for it");
  } else if (!c.global.factors.empty()) {  // llama3: written out by pair
    auto& factors = made.made.emplace_back();
    factors.values = c.global.factors;
    factors.view = {"rope_freqs.weight",
                    DType::f32,
                    {static_cast<int64_t>(factors.values.size())},
                    std::as_bytes(std::span(factors.values))};
    made.tensors.push_back(
        {.target = {factors.view.name, DType::f32, factors.view.shape, {}}, .source = &factors.view});
  }
  return read.status();
}

Status add_positions(const Fields& config, const DecoderFamily& family, const DecoderConfig& c, const std::string& at,
                     GgufExport& made) {
  const bool by_kind = config.has("rope_parameters.full_attention");
  const std::string object = by_kind                         ? "rope_parameters.full_attention"
                             : config.has("rope_parameters") ? "rope_parameters"
                                                             : "rope_scaling";
  if (config.has(object))
    if (Status status = add_scaling(config, object, c, at, made); !status.ok()) return status;
  if (!family.gemma) return {};
  made.metadata.add(at + "rope.freq_base_swa", static_cast<float>(c.local.base));
  made.metadata.add(at + "attention.sliding_window", static_cast<uint32_t>(c.window + 1));
  std::vector<uint8_t> sliding;
  bool usual = true;
  for (size_t i = 0; i < c.layers.size(); ++i) {
    sliding.push_back(c.layers[i].sliding ? 1 : 0);
    usual = usual && c.layers[i].sliding == (static_cast<int64_t>(i + 1) % kSlidingPattern != 0);
  }
  if (usual) return {};
  made.metadata.add_flags(at + "attention.sliding_window_pattern", sliding);
  made.notes.push_back("another than every sixth layer sees all: older readers of GGUF do not know such a pattern");
  return {};
}

Status add_tensors(const DecoderFamily& family, const DecoderConfig& c, GgufExport& made) {
  const TensorTable& from = made.files.tensors();
  const std::string words =
      std::string(family.gpt2 ? kGpt2HuggingFace.words : hugging_face_names(c.post_norms).words) + ".weight";
  const std::string prefix =
      family.gpt2 ? prefix_of(from, kGpt2Prefixes, words) : prefix_of(from, kDecoderPrefixes, words);
  const bool side_by_side = family.pairs == rope::Pairing::interleaved;
  std::set<std::string_view> used;
  for (const DecoderTensor& tensor : decoder_tensors(c, prefix, side_by_side)) {
    const Shape& shape = tensor.shape;
    const auto source = from.require(tensor.hugging_face, tensor.transposed ? Shape{shape[1], shape[0]} : shape);
    if (!source) return source.status();
    used.insert((*source)->name);
    ExportTensor one;
    one.target = {tensor.gguf, (*source)->dtype, tensor.shape, {}};
    one.source = *source;
    one.order = tensor.transposed  ? RowOrder::transposed
                : tensor.heads > 0 ? RowOrder::to_side_by_side
                                   : RowOrder::kept;
    one.heads = std::max<int64_t>(tensor.heads, 1);
    one.added = tensor.norm ? c.norm_offset : 0;
    made.tensors.push_back(std::move(one));
  }
  std::vector<std::string> left;
  for (const TensorView& tensor : from.all())
    if (!used.contains(tensor.name) && !(c.tied && tensor.name == "lm_head.weight")) left.push_back(tensor.name);
  if (!left.empty())
    made.notes.push_back(std::to_string(left.size()) + " tensors that the architecture does not use are left out (" +
                         shown(left.front()) + (left.size() > 1 ? " and more)" : ")"));
  return {};
}

std::string name_of(const std::string& folder) {
  std::error_code error;
  const auto path = std::filesystem::canonical(folder, error);
  return error ? folder : path.filename().string();
}

}  // namespace

Status export_decoder(GgufExport& made) {
  const ModelFiles& files = made.files.files();
  const auto config = HfConfig::open(files.config + "/config.json");
  if (!config) return config.status();
  const auto decoder = read_decoder_config(*config);
  if (!decoder) return decoder.status();
  const DecoderFamily& family = *find_decoder_family(&DecoderFamily::model_type, decoder->architecture);
  if (Status status = check_unsaid(*config, family, *decoder); !status.ok()) return status;
  const std::string at = std::string(family.architecture) + ".";
  made.layers = static_cast<int64_t>(decoder->layers.size());
  made.metadata.add("general.architecture", family.architecture);
  made.metadata.add("general.type", "model");
  made.metadata.add("general.name", name_of(files.folder));
  add_sizes(family, *decoder, at, made.metadata);
  if (!family.gpt2)
    if (Status status = add_positions(*config, family, *decoder, at, made); !status.ok()) return status;
  if (Status status = export_tokenizer(files, *config, decoder->vocabulary, made); !status.ok()) return status;
  return add_tensors(family, *decoder, made);
}

}  // namespace lathe::models
