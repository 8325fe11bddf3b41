// A decoder's description from the metadata of a GGUF file.
#include <cmath>

#include "base/shown.h"
#include "models/decoder_checks.h"
#include "models/decoder_family.h"
#include "models/field_reader.h"
#include "models/gpt2_config.h"
#include "models/weight_binder.h"

namespace lathe::models {
namespace {

constexpr FloatRange kBase{1, 1e12}, kEps{1e-30, 1};
constexpr size_t kLargestGemma = 62;    // layers
constexpr int64_t kSlidingPattern = 6;  // Gemma 3: the last of six sees all, where the file does not say

Status read_windows(const Gguf& file, FieldReader& read, DecoderConfig& decoder) {
  decoder.window = read.count("attention.sliding_window") - 1;
  const std::string key = read.key("attention.sliding_window_pattern");
  size_t flags = 0;
  const bool list = file.visit(key, [&](const FieldValue& value) {
    const bool* flag = std::get_if<bool>(&value);
    if (flag == nullptr || flags == decoder.layers.size()) return false;
    decoder.layers[flags++].sliding = *flag;
    return true;
  });
  if (!read.status().ok() || (list && flags == decoder.layers.size())) return read.status();
  if (list)
    return corrupt(file.file() + ": " + key + " is another array, needed: true or false for each of the " +
                   std::to_string(decoder.layers.size()) + " layers");
  const int64_t pattern = read.count_or("attention.sliding_window_pattern", kSlidingPattern);
  for (size_t i = 0; i < decoder.layers.size() && read.status().ok(); ++i)
    decoder.layers[i].sliding = static_cast<int64_t>(i + 1) % pattern != 0;
  return read.status();
}

Status read_sizes(const Gguf& file, FieldReader& read, DecoderConfig& decoder) {
  decoder.width = read.count("embedding_length");
  decoder.layers.resize(static_cast<size_t>(read.count("block_count", kSmallCount)));
  decoder.heads = read.count("attention.head_count", kSmallCount);
  decoder.kv_heads = read.count_or("attention.head_count_kv", decoder.heads, kSmallCount);
  const int64_t dim = decoder.heads == 0 ? 0 : decoder.width / decoder.heads;
  decoder.head_dim = read.count_or("attention.key_length", dim, kSmallCount);
  decoder.intermediate = read.count("feed_forward_length");
  decoder.positions = read.count("context_length");
  decoder.eps = static_cast<float>(read.number("attention.layer_norm_rms_epsilon", kEps));
  const int64_t values = read.count_or("attention.value_length", decoder.head_dim, kSmallCount);
  const int64_t rotary = read.count_or("rope.dimension_count", decoder.head_dim, kSmallCount);
  if (!read.status().ok()) return read.status();
  if (values != decoder.head_dim)
    return unsupported(file.file() + ": " + read.key("attention.value_length") + " is " + std::to_string(values) +
                       ", needed: that of the keys, " + std::to_string(decoder.head_dim));
  if (rotary % 2 != 0 || rotary > decoder.head_dim)
    return corrupt(file.file() + ": " + read.key("rope.dimension_count") + " is " + std::to_string(rotary) +
                   ", needed: an even number up to that of a head's elements, " + std::to_string(decoder.head_dim));
  decoder.global.rotary = decoder.local.rotary = rotary;
  const auto words = rows_of(file.tensors(), "token_embd.weight");
  if (!words) return words.status();
  decoder.vocabulary = *words;
  return {};
}

}  // namespace

Status check_heads(const Fields& config, const DecoderConfig& decoder, const std::string& kv_field,
                   const std::string& dim_field) {
  if (decoder.heads % decoder.kv_heads != 0)
    return corrupt(config.file() + ": " + kv_field + " is " + std::to_string(decoder.kv_heads) +
                   ", needed: a divisor of the number of heads, which is " + std::to_string(decoder.heads));
  if (decoder.head_dim < 2 || decoder.head_dim % 2 != 0)
    return corrupt(config.file() + ": " + dim_field + " is " + std::to_string(decoder.head_dim) +
                   ", needed: an even number, for pairs that are rotated");
  return {};
}

Result<DecoderConfig> read_decoder_gguf(const Gguf& file) {
  const auto name = file.require_string("general.architecture");
  if (!name) return name.status();
  const DecoderFamily* family = find_decoder_family(&DecoderFamily::architecture, *name);
  if (family == nullptr)
    return unsupported(file.file() + ": general.architecture is " + shown(*name) + ", needed: one of " +
                       decoder_family_names(&DecoderFamily::architecture));
  if (family->gpt2) return read_gpt2_gguf(file);
  FieldReader read(file, std::string(*name) + ".");
  DecoderConfig decoder;
  decoder.architecture = *name;
  if (Status status = read_sizes(file, read, decoder); !status.ok()) return status;
  if (Status status = check_heads(file, decoder, read.key("attention.head_count_kv"), read.key("attention.key_length"));
      !status.ok())
    return status;
  decoder.global.base = read.number_or("rope.freq_base", family->base, kBase);
  if (Status status = read_rope_scaling(file, read, decoder.positions, decoder.global); !status.ok()) return status;
  decoder.local = decoder.global;
  if (family->gemma) {
    decoder.local = {.rotary = decoder.global.rotary, .base = read.number_or("rope.freq_base_swa", 10000, kBase)};
    if (Status status = read_windows(file, read, decoder); !status.ok()) return status;
    decoder.embedding_scale = std::sqrt(static_cast<float>(decoder.width));
    decoder.activation = matmul::Activation::gelu_tanh;
  }
  if (!read.status().ok()) return read.status();
  for (size_t i = 0; i < decoder.layers.size(); ++i)
    decoder.layers[i].rotary = family->no_rope == 0 || static_cast<int64_t>(i + 1) % family->no_rope != 0;
  decoder.pairing = family->pairs;
  decoder.qkv_bias = file.tensors().find("blk.0.attn_q.bias") != nullptr;
  decoder.out_bias = file.tensors().find("blk.0.attn_output.bias") != nullptr;
  decoder.query_key_norm = family->query_key_norm;
  decoder.post_norms = family->gemma;
  decoder.tied = file.tensors().find("output.weight") == nullptr;
  // The format has no field for it: Gemma's largest model divides by the width of a head as if heads made the width.
  const bool by_width = family->gemma && decoder.layers.size() == kLargestGemma;
  decoder.attention_scale =
      1 / std::sqrt(static_cast<float>(by_width ? decoder.width / decoder.heads : decoder.head_dim));
  return decoder;
}

}  // namespace lathe::models
