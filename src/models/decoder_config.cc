#include "models/decoder_config.h"

#include <cmath>

#include "base/shown.h"
#include "models/decoder_checks.h"
#include "models/decoder_family.h"
#include "models/field_reader.h"
#include "models/gpt2_config.h"

namespace lathe::models {
namespace {

constexpr FloatRange kBase{1, 1e12}, kEps{1e-30, 1};

Status read_activation(const Fields& config, bool gemma, DecoderConfig& decoder) {
  const char* field = gemma ? "hidden_activation" : "hidden_act";
  const auto name = config.string_or(field, gemma ? "gelu_pytorch_tanh" : "silu");
  if (!name) return name.status();
  if (*name != "silu" && *name != "gelu_pytorch_tanh")
    return unsupported(config.file() + ": " + field + " is " + shown(*name) + ", needed: silu or gelu_pytorch_tanh");
  decoder.activation = *name == "silu" ? matmul::Activation::silu : matmul::Activation::gelu_tanh;
  return {};
}

// Names of kinds, or none: nothing is known then.
Status read_layer_types(const Fields& config, DecoderConfig& decoder, bool& known) {
  known = config.has("layer_types");
  if (!known) return {};
  const auto types = config.require_strings("layer_types");
  if (!types) return types.status();
  if (types->size() != decoder.layers.size())
    return corrupt(config.file() + ": layer_types has " + std::to_string(types->size()) +
                   " elements, needed: one for each of the " + std::to_string(decoder.layers.size()) + " layers");
  for (size_t i = 0; i < types->size(); ++i) {
    const std::string_view type = (*types)[i];
    if (type != "sliding_attention" && type != "full_attention")
      return unsupported(config.file() + ": layer_types has " + shown(type) +
                         ", needed: sliding_attention or full_attention");
    decoder.layers[i].sliding = type == "sliding_attention";
  }
  return {};
}

// Which layers have no positions.
Status read_no_rope(FieldReader& read, const DecoderFamily& family, DecoderConfig& decoder) {
  if (family.no_rope == 0) return {};
  const Fields& config = read.fields();
  if (!config.has("no_rope_layers")) {
    const int64_t interval = read.count_or("no_rope_layer_interval", family.no_rope);
    for (size_t i = 0; i < decoder.layers.size() && read.status().ok(); ++i)
      decoder.layers[i].rotary = static_cast<int64_t>(i + 1) % interval != 0;
    return read.status();
  }
  const auto flags = config.require_ints("no_rope_layers", {0, 1});
  if (!flags) return flags.status();
  if (flags->size() < decoder.layers.size())
    return corrupt(config.file() + ": no_rope_layers has " + std::to_string(flags->size()) +
                   " elements, needed: one for each of the " + std::to_string(decoder.layers.size()) + " layers");
  for (size_t i = 0; i < decoder.layers.size(); ++i) decoder.layers[i].rotary = (*flags)[i] == 1;  // despite its name
  return {};
}

// Which layers see a window only. Gemma always has one; the others where use_sliding_window says so.
Status read_windows(FieldReader& read, const DecoderFamily& family, DecoderConfig& decoder) {
  const Fields& config = read.fields();
  bool known = false;
  if (Status status = read_layer_types(config, decoder, known); !status.ok()) return status;
  const bool used = family.gemma || read.flag_or("use_sliding_window", false);
  if (!used || !config.has("sliding_window")) {
    if (family.gemma) (void)read.count("sliding_window");  // the error that names it
    for (DecoderConfig::Layer& layer : decoder.layers) layer.sliding = false;
    return read.status();
  }
  decoder.window = read.count("sliding_window") - 1;
  if (known || !read.status().ok()) return read.status();
  const int64_t pattern =
      read.count_or(config.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern", 6);
  const int64_t full = read.count_or("max_window_layers", 28, {0, INT32_MAX});
  if (!read.status().ok()) return read.status();
  for (size_t i = 0; i < decoder.layers.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    decoder.layers[i].sliding = family.gemma         ? (at + 1) % pattern != 0
                                : family.no_rope > 0 ? !decoder.layers[i].rotary
                                                     : at >= full;
  }
  return {};
}

// transformers 5 writes rope_parameters (Gemma's by kind of layer); before, there were rope_theta and rope_scaling.
Status read_ropes(FieldReader& read, const DecoderFamily& family, DecoderConfig& decoder) {
  const Fields& config = read.fields();
  decoder.global.rotary = decoder.local.rotary = decoder.head_dim;
  if (!config.has("rope_parameters")) {
    decoder.global.base = read.number_or("rope_theta", family.base, kBase);
    decoder.local.base = family.gemma ? read.number_or("rope_local_base_freq", 10000, kBase) : decoder.global.base;
    if (!read.status().ok()) return read.status();
    if (config.has("rope_scaling"))
      if (Status status = read_rope_scaling(read, "rope_scaling", decoder.positions, decoder.global); !status.ok())
        return status;
    if (!family.gemma) decoder.local = decoder.global;
    return {};
  }
  const bool by_kind = config.has("rope_parameters.full_attention");
  const std::string global = by_kind ? "rope_parameters.full_attention" : "rope_parameters";
  const std::string local = by_kind ? "rope_parameters.sliding_attention" : "rope_parameters";
  for (const auto& [object, rule] : {std::pair{&global, &decoder.global}, std::pair{&local, &decoder.local}}) {
    rule->base = read.number_or(*object + ".rope_theta", family.base, kBase);
    if (!read.status().ok()) return read.status();
    if (Status status = read_rope_scaling(read, *object, decoder.positions, *rule); !status.ok()) return status;
  }
  return {};
}

// What changes the result and is not done here.
Status check_rules(const Fields& config) {
  for (const char* field : {"use_bidirectional_attention", "mlp_bias"}) {
    const auto set = config.bool_or(field, false);
    if (!set) return set.status();
    if (*set) return unsupported(config.file() + ": " + field + " is true, needed: false, for a decoder");
  }
  for (const char* field : {"attn_logit_softcapping", "final_logit_softcapping", "quantization_config"})
    if (config.has(field)) return unsupported(config.file() + ": " + field + " is set, needed: none");
  return {};
}

void read_sizes(FieldReader& read, DecoderConfig& decoder) {
  decoder.width = read.count("hidden_size");
  decoder.layers.resize(static_cast<size_t>(read.count("num_hidden_layers", kSmallCount)));
  decoder.heads = read.count("num_attention_heads", kSmallCount);
  decoder.kv_heads = read.count_or("num_key_value_heads", decoder.heads, kSmallCount);
  decoder.head_dim = read.count_or("head_dim", decoder.heads == 0 ? 0 : decoder.width / decoder.heads, kSmallCount);
  decoder.intermediate = read.count("intermediate_size");
  decoder.vocabulary = read.count("vocab_size");
  decoder.positions = read.count("max_position_embeddings");
  decoder.eps = static_cast<float>(read.number_or("rms_norm_eps", 1e-6, kEps));
}

}  // namespace

const DecoderFamily* find_decoder_family(const char* DecoderFamily::*name, std::string_view value) {
  for (const DecoderFamily& family : kDecoderFamilies)
    if (value == family.*name) return &family;
  return nullptr;
}

std::string decoder_family_names(const char* DecoderFamily::*name) {
  std::string names;
  for (const DecoderFamily& family : kDecoderFamilies) names += (names.empty() ? "" : ", ") + std::string(family.*name);
  return names;
}

Result<DecoderConfig> read_decoder_config(const Fields& config) {
  FieldReader read(config);
  DecoderConfig decoder;
  decoder.architecture = read.text("model_type");
  if (!read.status().ok()) return read.status();
  const DecoderFamily* family = find_decoder_family(&DecoderFamily::model_type, decoder.architecture);
  if (family == nullptr)
    return unsupported(config.file() + ": model_type is " + shown(decoder.architecture) + ", needed: one of " +
                       decoder_family_names(&DecoderFamily::model_type));
  if (family->gpt2) return read_gpt2_config(config);
  read_sizes(read, decoder);
  if (!read.status().ok()) return read.status();
  if (Status status = check_heads(config, decoder, "num_key_value_heads", "head_dim"); !status.ok()) return status;
  if (Status status = check_rules(config); !status.ok()) return status;
  if (Status status = read_activation(config, family->gemma, decoder); !status.ok()) return status;
  if (Status status = read_no_rope(read, *family, decoder); !status.ok()) return status;
  if (Status status = read_windows(read, *family, decoder); !status.ok()) return status;
  if (Status status = read_ropes(read, *family, decoder); !status.ok()) return status;
  decoder.out_bias = read.flag_or("attention_bias", false);
  decoder.qkv_bias = decoder.out_bias || family->qkv_bias;
  decoder.tied = read.flag_or("tie_word_embeddings", family->tied);
  decoder.query_key_norm = family->query_key_norm;
  decoder.post_norms = family->gemma;
  decoder.norm_offset = family->gemma ? 1.0f : 0.0f;
  if (family->gemma) decoder.embedding_scale = std::sqrt(static_cast<float>(decoder.width));
  const double scalar = family->gemma ? read.number_or("query_pre_attn_scalar", 256, {1e-6, 1e12})
                                      : static_cast<double>(decoder.head_dim);
  decoder.attention_scale = static_cast<float>(1 / std::sqrt(scalar));
  if (!read.status().ok()) return read.status();
  return decoder;
}

DecoderConfig decoder_config_of(const Llama2cHeader& header) {
  DecoderConfig decoder;
  decoder.architecture = "llama2.c";
  decoder.width = header.width;
  decoder.heads = header.heads;
  decoder.kv_heads = header.kv_heads;
  decoder.head_dim = header.head_dim();
  decoder.intermediate = header.intermediate;
  decoder.vocabulary = header.vocabulary;
  decoder.positions = header.positions;
  decoder.layers.resize(static_cast<size_t>(header.layers));
  decoder.global.rotary = decoder.local.rotary = decoder.head_dim;
  decoder.pairing = rope::Pairing::interleaved;
  decoder.tied = header.tied;
  decoder.eps = 1e-5f;
  decoder.attention_scale = 1 / std::sqrt(static_cast<float>(decoder.head_dim));
  return decoder;
}

}  // namespace lathe::models
