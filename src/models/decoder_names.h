// What the tensors of a decoder are called.
#pragma once

namespace lathe::models {

// Norms with their ".weight"; modules, which may have a bias, without.
struct DecoderNames {
  const char *words, *norm, *head, *layers;
  // Within a layer.
  const char *attention_norm, *query, *key, *value, *query_norm, *key_norm, *out, *attention_post_norm;
  const char *ffn_norm, *gate, *up, *down, *ffn_post_norm;
};

// Before all of Hugging Face's names but the head's; its files have one of them.
constexpr const char* kDecoderPrefixes[] = {"", "model."};

// With post norms "post_attention_layernorm" is one of them, else it stands before the feed-forward.
constexpr DecoderNames hugging_face_names(bool post_norms) {
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

constexpr DecoderNames kGgufNames = {
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

}  // namespace lathe::models
