#include "models/decoder_weights.h"

#include <algorithm>
#include <map>
#include <string>

namespace lathe::models {
namespace {

struct Names {
  const char *words, *norm, *head, *layers;
  // Within a layer.
  const char *attention_norm, *query, *key, *value, *query_norm, *key_norm, *out, *attention_post_norm;
  const char *ffn_norm, *gate, *up, *down, *ffn_post_norm;
};

// With post norms "post_attention_layernorm" is one of them, else it stands before the feed-forward.
constexpr Names hugging_face(bool post_norms) {
  return {
      .words = "embed_tokens",
      .norm = "norm.weight",
      .head = "lm_head",
      .layers = "layers.",
      .attention_norm = "input_layernorm.weight",
      .query = "self_attn.q_proj",
      .key = "self_attn.k_proj",
      .value = "self_attn.v_proj",
      .query_norm = "self_attn.q_norm.weight",
      .key_norm = "self_attn.k_norm.weight",
      .out = "self_attn.o_proj",
      .attention_post_norm = "post_attention_layernorm.weight",
      .ffn_norm = post_norms ? "pre_feedforward_layernorm.weight" : "post_attention_layernorm.weight",
      .gate = "mlp.gate_proj",
      .up = "mlp.up_proj",
      .down = "mlp.down_proj",
      .ffn_post_norm = "post_feedforward_layernorm.weight",
  };
}
constexpr Names kGguf = {
    .words = "token_embd",
    .norm = "output_norm.weight",
    .head = "output",
    .layers = "blk.",
    .attention_norm = "attn_norm.weight",
    .query = "attn_q",
    .key = "attn_k",
    .value = "attn_v",
    .query_norm = "attn_q_norm.weight",
    .key_norm = "attn_k_norm.weight",
    .out = "attn_output",
    .attention_post_norm = "post_attention_norm.weight",
    .ffn_norm = "ffn_norm.weight",
    .gate = "ffn_gate",
    .up = "ffn_up",
    .down = "ffn_down",
    .ffn_post_norm = "post_ffw_norm.weight",
};

DecoderLayer bind_layer(WeightBinder& bind, const DecoderConfig& c, const Names& names, size_t layer) {
  const std::string at = names.layers + std::to_string(layer) + ".";
  const int64_t queries = c.heads * c.head_dim, keys = c.kv_heads * c.head_dim;
  const WeightBinder::Part qkv[] = {{at + names.query, queries}, {at + names.key, keys}, {at + names.value, keys}};
  DecoderLayer bound;
  bound.attention_norm = bind.vector(at + names.attention_norm, c.width);
  bound.qkv = bind.linears(qkv, c.width, c.qkv_bias);
  if (c.query_key_norm) {
    bound.query_norm = bind.vector(at + names.query_norm, c.head_dim);
    bound.key_norm = bind.vector(at + names.key_norm, c.head_dim);
  }
  bound.out = bind.linear(at + names.out, c.width, queries, c.out_bias);
  bound.ffn_norm = bind.vector(at + names.ffn_norm, c.width);
  bound.gate_up = bind.gated(at + names.gate, at + names.up, c.intermediate, c.width);
  bound.down = bind.linear(at + names.down, c.width, c.intermediate, false);
  if (c.post_norms) {
    bound.attention_post_norm = bind.vector(at + names.attention_post_norm, c.width);
    bound.ffn_post_norm = bind.vector(at + names.ffn_post_norm, c.width);
  }
  return bound;
}

}  // namespace

Result<DecoderWeights> DecoderWeights::bind(const DecoderConfig& config, const TensorTable& tensors, StoredType stored,
                                            Team* team, ops::PackedStore* store) {
  const bool gguf = tensors.find("token_embd.weight") != nullptr;
  const Names names = gguf ? kGguf : hugging_face(config.post_norms);
  constexpr const char* kPrefixes[] = {"", "model."};
  const std::string words = std::string(names.words) + ".weight";
  WeightBinder bind(tensors, prefix_of(tensors, kPrefixes, words), stored, team, store);
  WeightBinder bind_head(tensors, "", stored, team, store);  // its name has no prefix
  DecoderWeights bound;
  bound.words = bind.table(words, {config.vocabulary, config.width});
  bound.norm = bind.vector(names.norm, config.width);
  // A hostile count of layers ends at the first that is missing.
  for (size_t layer = 0; layer < config.layers.size() && bind.status().ok(); ++layer)
    bound.layers.push_back(bind_layer(bind, config, names, layer));
  if (!bind.status().ok()) return bind.status();
  WeightBinder& head = config.tied ? bind : bind_head;
  bound.head = head.linear(config.tied ? names.words : names.head, config.vocabulary, config.width, false);
  if (!head.status().ok()) return head.status();
  return bound;
}

std::vector<const LinearWeights*> DecoderWeights::products() const {
  std::vector<const LinearWeights*> all = {&head};
  for (const DecoderLayer& layer : layers) {
    for (const LinearWeights& linear : layer.qkv) all.push_back(&linear);
    all.insert(all.end(), {&layer.out, &layer.gate_up, &layer.down});
  }
  return all;
}

int64_t DecoderWeights::product_bytes() const {
  int64_t bytes = 0;
  for (const LinearWeights* linear : products()) bytes += linear->weights.bytes();
  return bytes;
}

matmul::Type DecoderWeights::main_type() const {
  std::map<matmul::Type, int64_t> bytes;
  for (const LinearWeights* linear : products()) bytes[linear->type] += linear->weights.bytes();
  return std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace lathe::models
