#include "models/gemma_config.h"

#include <cmath>
#include <string>

#include "base/shown.h"
#include "models/field_reader.h"
#include "models/weight_binder.h"

namespace lathe::models {
namespace {

constexpr IntRange kSmall{1, 1 << 16};  // layers, heads and what a head has: no sum of their products overflows
constexpr FloatRange kBase{1, 1e12}, kFactor{1e-3, 1e6}, kEps{1e-30, 1};

Status check_heads(const Fields& config, const GemmaConfig& gemma, const char* kv_field, const char* dim_field) {
  if (gemma.heads % gemma.kv_heads != 0)
    return corrupt(config.file() + ": " + kv_field + " is " + std::to_string(gemma.kv_heads) +
                   ", needed: a divisor of the number of heads, which is " + std::to_string(gemma.heads));
  if (gemma.head_dim % 2 != 0)
    return corrupt(config.file() + ": " + dim_field + " is " + std::to_string(gemma.head_dim) +
                   ", needed: an even number, for pairs that are rotated");
  return {};
}

// Only the last of every `pattern` layers sees all tokens.
std::vector<bool> sliding_by_pattern(int64_t layers, int64_t pattern) {
  std::vector<bool> sliding;
  for (int64_t i = 0; i < layers; ++i) sliding.push_back((i + 1) % pattern != 0);
  return sliding;
}

Status read_layer_types(const Fields& config, GemmaConfig& gemma) {
  if (!config.has("layer_types")) {
    const char* old = config.has("sliding_window_pattern") ? "sliding_window_pattern" : "_sliding_window_pattern";
    if (!config.has(old))
      return corrupt(config.file() + ": layer_types is missing, needed: an array of sliding_attention and " +
                     "full_attention, or sliding_window_pattern");
    const auto pattern = config.require_int(old);
    if (!pattern) return pattern.status();
    gemma.sliding = sliding_by_pattern(gemma.layers, *pattern);
    return {};
  }
  const auto types = config.require_strings("layer_types");
  if (!types) return types.status();
  for (const std::string_view type : *types) {
    if (type != "sliding_attention" && type != "full_attention")
      return unsupported(config.file() + ": layer_types has " + shown(type) +
                         ", needed: sliding_attention or full_attention");
    gemma.sliding.push_back(type == "sliding_attention");
  }
  if (static_cast<int64_t>(gemma.sliding.size()) == gemma.layers) return {};
  return corrupt(config.file() + ": layer_types has " + std::to_string(gemma.sliding.size()) +
                 " elements, needed: one for each of the " + std::to_string(gemma.layers) + " layers");
}

// The scaling that an object of rope fields asks for.
Status read_scaling(const Fields& config, const std::string& object, GemmaConfig::Rope& rope) {
  const std::string field = object + (config.has(object + ".rope_type") ? ".rope_type" : ".type");
  const auto type = config.string_or(field, "default");
  if (!type) return type.status();
  if (*type == "default") return {};
  if (*type != "linear")
    return unsupported(config.file() + ": " + field + " is " + shown(*type) + ", needed: default or linear");
  const auto factor = config.require_float(object + ".factor", kFactor);
  if (!factor) return factor.status();
  rope.position_scale = *factor;
  return {};
}

// transformers 5 writes rope_parameters by kind of layer; before, there were a base for each kind, and a scaling for
// the layers that see all.
Status read_ropes(FieldReader& read, GemmaConfig& gemma) {
  const Fields& config = read.fields();
  if (!config.has("rope_parameters")) {
    gemma.global.base = read.number("rope_theta", kBase);
    gemma.local.base = read.number("rope_local_base_freq", kBase);
    if (!read.status().ok() || !config.has("rope_scaling")) return read.status();
    return read_scaling(config, "rope_scaling", gemma.global);
  }
  for (const auto& [object, rope] : {std::pair{"rope_parameters.full_attention", &gemma.global},
                                     std::pair{"rope_parameters.sliding_attention", &gemma.local}}) {
    rope->base = read.number(std::string(object) + ".rope_theta", kBase);
    if (!read.status().ok()) return read.status();
    if (Status status = read_scaling(config, object, *rope); !status.ok()) return status;
  }
  return {};
}

// What changes the result and is not done here.
Status check_rules(const Fields& config) {
  const auto bidirectional = config.bool_or("use_bidirectional_attention", false);
  if (!bidirectional) return bidirectional.status();
  if (!*bidirectional)
    return unsupported(config.file() + ": use_bidirectional_attention is false or missing, needed: true, an encoder");
  const auto bias = config.bool_or("attention_bias", false);
  if (!bias) return bias.status();
  if (*bias) return unsupported(config.file() + ": attention_bias is true, needed: false");
  if (config.has("attn_logit_softcapping"))
    return unsupported(config.file() + ": attn_logit_softcapping is set, needed: null");
  const auto activation = config.require_string("hidden_activation");
  if (!activation) return activation.status();
  if (*activation == "gelu_pytorch_tanh") return {};
  return unsupported(config.file() + ": hidden_activation is " + shown(*activation) + ", needed: gelu_pytorch_tanh");
}

Status read_gguf_pattern(const Gguf& file, const std::string& key, GemmaConfig& gemma) {
  bool flags = true;
  const bool list = file.visit(key, [&](const FieldValue& value) {
    const bool* flag = std::get_if<bool>(&value);
    flags = flags && flag != nullptr && static_cast<int64_t>(gemma.sliding.size()) < gemma.layers;
    if (flags) gemma.sliding.push_back(*flag);
    return flags;
  });
  if (list && flags && static_cast<int64_t>(gemma.sliding.size()) == gemma.layers) return {};
  if (list)
    return corrupt(file.file() + ": " + key + " is another array, needed: true or false for each of the " +
                   std::to_string(gemma.layers) + " layers");
  const auto pattern = file.int_or(key, 6);  // what the format says where the key is absent
  if (!pattern) return pattern.status();
  gemma.sliding = sliding_by_pattern(gemma.layers, *pattern);
  return {};
}

Status read_gguf_scaling(const Gguf& file, const std::string& at, GemmaConfig& gemma) {
  const auto type = file.string_or(at + "type", "none");
  if (!type) return type.status();
  if (*type == "none") return {};
  if (*type != "linear")
    return unsupported(file.file() + ": " + at + "type is " + shown(*type) + ", needed: none or linear");
  const auto factor = file.require_float(at + "factor", kFactor);
  if (!factor) return factor.status();
  gemma.global.position_scale = *factor;
  return {};
}

}  // namespace

Result<GemmaConfig> read_gemma_config(const Fields& config) {
  FieldReader read(config);
  GemmaConfig gemma;
  const std::string_view type = read.text("model_type");
  if (!read.status().ok()) return read.status();
  if (type != "gemma3_text")
    return unsupported(config.file() + ": model_type is " + shown(type) + ", needed: gemma3_text");
  gemma.width = read.count("hidden_size");
  gemma.layers = read.count("num_hidden_layers", kSmall);
  gemma.heads = read.count("num_attention_heads", kSmall);
  gemma.kv_heads = read.count("num_key_value_heads", kSmall);
  gemma.head_dim = read.count("head_dim", kSmall);
  gemma.intermediate = read.count("intermediate_size");
  gemma.vocabulary = read.count("vocab_size");
  gemma.positions = read.count("max_position_embeddings");
  // The field is the width of the window, of which half lies on each side.
  gemma.window = read.count("sliding_window") / 2;
  gemma.eps = static_cast<float>(read.number("rms_norm_eps", kEps));
  gemma.scale = static_cast<float>(1 / std::sqrt(read.number("query_pre_attn_scalar", {1e-6, 1e12})));
  if (!read.status().ok()) return read.status();
  if (Status status = check_heads(config, gemma, "num_key_value_heads", "head_dim"); !status.ok()) return status;
  if (Status status = check_rules(config); !status.ok()) return status;
  if (Status status = read_layer_types(config, gemma); !status.ok()) return status;
  if (Status status = read_ropes(read, gemma); !status.ok()) return status;
  return gemma;
}

Result<GemmaConfig> read_gemma_gguf(const Gguf& file) {
  FieldReader read(file, "gemma-embedding.");
  GemmaConfig gemma;
  gemma.width = read.count("embedding_length");
  gemma.layers = read.count("block_count", kSmall);
  gemma.heads = read.count("attention.head_count", kSmall);
  gemma.kv_heads = read.count("attention.head_count_kv", kSmall);
  gemma.head_dim = read.count("attention.key_length", kSmall);
  gemma.intermediate = read.count("feed_forward_length");
  gemma.positions = read.count("context_length");
  gemma.window = read.count("attention.sliding_window") / 2;
  gemma.eps = static_cast<float>(read.number("attention.layer_norm_rms_epsilon", kEps));
  gemma.global.base = read.number("rope.freq_base", kBase);
  gemma.local.base = read.number_or("rope.freq_base_swa", 10000, kBase);
  if (!read.status().ok()) return read.status();
  gemma.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(gemma.head_dim)));
  const auto words = rows_of(file.tensors(), "token_embd.weight");
  if (!words) return words.status();
  gemma.vocabulary = *words;
  const std::string kv = read.key("attention.head_count_kv"), dim = read.key("attention.key_length");
  if (Status status = check_heads(file, gemma, kv.c_str(), dim.c_str()); !status.ok()) return status;
  const int64_t values = read.count_or("attention.value_length", gemma.head_dim, kSmall);
  if (!read.status().ok()) return read.status();
  if (values != gemma.head_dim)
    return unsupported(file.file() + ": " + read.key("attention.value_length") + " is " + std::to_string(values) +
                       ", needed: that of the keys, " + std::to_string(gemma.head_dim));
  const std::string pattern = read.key("attention.sliding_window_pattern");
  if (Status status = read_gguf_pattern(file, pattern, gemma); !status.ok()) return status;
  if (Status status = read_gguf_scaling(file, read.key("rope.scaling."), gemma); !status.ok()) return status;
  return gemma;
}

}  // namespace lathe::models
