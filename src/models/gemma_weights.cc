#include "models/gemma_weights.h"

#include <string>

namespace lathe::models {
namespace {

struct Names {
  const char *words, *norm, *layers;
  // Within a layer.
  const char *attention_norm, *query, *key, *value, *query_norm, *key_norm, *out, *attention_post_norm;
  const char *ffn_norm, *gate, *up, *down, *ffn_post_norm;
};

constexpr Names kHuggingFace = {
    .words = "embed_tokens.weight",
    .norm = "norm.weight",
    .layers = "layers.",
    .attention_norm = "input_layernorm.weight",
    .query = "self_attn.q_proj",
    .key = "self_attn.k_proj",
    .value = "self_attn.v_proj",
    .query_norm = "self_attn.q_norm.weight",
    .key_norm = "self_attn.k_norm.weight",
    .out = "self_attn.o_proj",
    .attention_post_norm = "post_attention_layernorm.weight",
    .ffn_norm = "pre_feedforward_layernorm.weight",
    .gate = "mlp.gate_proj",
    .up = "mlp.up_proj",
    .down = "mlp.down_proj",
    .ffn_post_norm = "post_feedforward_layernorm.weight",
};
constexpr Names kGguf = {
    .words = "token_embd.weight",
    .norm = "output_norm.weight",
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

GemmaLayer bind_layer(WeightBinder& bind, const GemmaConfig& c, const Names& names, int64_t layer) {
  const std::string at = names.layers + std::to_string(layer) + ".";
  const int64_t queries = c.heads * c.head_dim, keys = c.kv_heads * c.head_dim;
  const WeightBinder::Part qkv[] = {{at + names.query, queries}, {at + names.key, keys}, {at + names.value, keys}};
  GemmaLayer bound;
  bound.attention_norm = bind.vector(at + names.attention_norm, c.width);
  bound.qkv = bind.linear(qkv, c.width, false);
  bound.query_norm = bind.vector(at + names.query_norm, c.head_dim);
  bound.key_norm = bind.vector(at + names.key_norm, c.head_dim);
  bound.out = bind.linear(at + names.out, c.width, queries, false);
  bound.attention_post_norm = bind.vector(at + names.attention_post_norm, c.width);
  bound.ffn_norm = bind.vector(at + names.ffn_norm, c.width);
  bound.gate_up = bind.gated(at + names.gate, at + names.up, c.intermediate, c.width);
  bound.down = bind.linear(at + names.down, c.width, c.intermediate, false);
  bound.ffn_post_norm = bind.vector(at + names.ffn_post_norm, c.width);
  return bound;
}

}  // namespace

Result<GemmaWeights> GemmaWeights::bind(const GemmaConfig& config, const TensorTable& tensors, matmul::Type stored,
                                        Team* team, ops::PackedStore* store) {
  const bool gguf = tensors.find(kGguf.words) != nullptr;
  const Names& names = gguf ? kGguf : kHuggingFace;
  constexpr const char* kPrefixes[] = {"", "model."};
  WeightBinder bind(tensors, prefix_of(tensors, kPrefixes, names.words), stored, team, store);
  GemmaWeights bound;
  bound.norm_offset = gguf ? 0.0f : 1.0f;
  bound.words = bind.table(names.words, {config.vocabulary, config.width});
  bound.norm = bind.vector(names.norm, config.width);
  // A hostile count of layers ends at the first that is missing.
  for (int64_t layer = 0; layer < config.layers && bind.status().ok(); ++layer)
    bound.layers.push_back(bind_layer(bind, config, names, layer));
  if (!bind.status().ok()) return bind.status();
  return bound;
}

}  // namespace lathe::models
