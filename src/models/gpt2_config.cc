#include "models/gpt2_config.h"

#include <cmath>
#include <string>

#include "base/shown.h"
#include "models/decoder_checks.h"
#include "models/field_reader.h"
#include "models/weight_binder.h"

namespace lathe::models {
namespace {

constexpr FloatRange kEps{1e-30, 1};

// What changes the result and is not done here. Dropout is of training alone, and left out there.
Status check_rules(FieldReader& read) {
  const Fields& config = read.fields();
  const auto activation = config.string_or("activation_function", "gelu_new");
  if (!activation) return activation.status();
  if (*activation != "gelu_new" && *activation != "gelu_pytorch_tanh")
    return unsupported(config.file() + ": activation_function is " + shown(*activation) + ", needed: gelu_new");
  if (!read.flag_or("scale_attn_weights", true))
    return unsupported(config.file() + ": scale_attn_weights is false, needed: true");
  for (const char* field : {"scale_attn_by_inverse_layer_idx", "add_cross_attention"})
    if (read.flag_or(field, false)) return unsupported(config.file() + ": " + field + " is true, needed: false");
  if (config.has("quantization_config"))
    return unsupported(config.file() + ": quantization_config is set, needed: none");
  return read.status();
}

// What follows from the sizes, and the rules of the architecture.
Status complete(DecoderConfig& c, const std::string& file, const std::string& heads, const std::string& width) {
  if (c.width % c.heads != 0 || c.width / c.heads % 2 != 0)
    return corrupt(file + ": " + heads + " is " + std::to_string(c.heads) + ", needed: a divisor of " + width +
                   ", which is " + std::to_string(c.width) + ", that leaves an even number");
  c.head_dim = c.width / c.heads;
  c.attention_scale = 1 / std::sqrt(static_cast<float>(c.head_dim));
  c.activation = matmul::Activation::gelu_tanh;
  c.qkv_bias = c.out_bias = c.ffn_bias = true;
  c.layer_norms = c.learned_positions = true;
  c.gated = false;
  return {};
}

}  // namespace

Result<DecoderConfig> read_gpt2_config(const Fields& config) {
  FieldReader read(config);
  DecoderConfig c;
  c.architecture = read.text("model_type");
  c.width = read.count("n_embd");
  c.layers.resize(static_cast<size_t>(read.count("n_layer", kSmallCount)), {.rotary = false});
  c.heads = c.kv_heads = read.count("n_head", kSmallCount);
  c.vocabulary = read.count("vocab_size");
  c.positions = read.count("n_positions");
  c.intermediate = read.count_or("n_inner", 4 * c.width);
  c.eps = static_cast<float>(read.number_or("layer_norm_epsilon", 1e-5, kEps));
  c.tied = read.flag_or("tie_word_embeddings", true);
  if (!read.status().ok()) return read.status();
  if (Status status = complete(c, config.file(), "n_head", "n_embd"); !status.ok()) return status;
  if (Status status = check_rules(read); !status.ok()) return status;
  return c;
}

Result<DecoderConfig> read_gpt2_gguf(const Gguf& file) {
  FieldReader read(file, "gpt2.");
  DecoderConfig c;
  c.architecture = "gpt2";
  c.width = read.count("embedding_length");
  c.layers.resize(static_cast<size_t>(read.count("block_count", kSmallCount)), {.rotary = false});
  c.heads = c.kv_heads = read.count("attention.head_count", kSmallCount);
  c.positions = read.count("context_length");
  c.intermediate = read.count("feed_forward_length");
  c.eps = static_cast<float>(read.number("attention.layer_norm_epsilon", kEps));
  if (!read.status().ok()) return read.status();
  const auto words = rows_of(file.tensors(), "token_embd.weight");
  if (!words) return words.status();
  c.vocabulary = *words;
  c.tied = file.tensors().find("output.weight") == nullptr;
  if (Status status = complete(c, file.file(), read.key("attention.head_count"), read.key("embedding_length"));
      !status.ok())
    return status;
  return c;
}

}  // namespace lathe::models
