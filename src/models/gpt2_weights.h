// The tensors of GPT-2, which has other ones than the decoders with a gate.
#pragma once

#include "models/decoder_weights.h"

namespace lathe::models {

// Names of a Hugging Face file, whose products lie as [in, out], or of GGUF.
struct Gpt2Names {
  const char *words, *positions, *norm, *head, *layers;
  // Within a layer.
  const char *attention_norm, *qkv, *out, *ffn_norm, *up, *down;
};

// Before all of Hugging Face's names but the head's; its files have one of them.
constexpr const char* kGpt2Prefixes[] = {"", "transformer."};

constexpr Gpt2Names kGpt2HuggingFace = {
    .words = "wte",
    .positions = "wpe",
    .norm = "ln_f",
    .head = "lm_head",
    .layers = "h.",
    .attention_norm = "ln_1",
    .qkv = "attn.c_attn",
    .out = "attn.c_proj",
    .ffn_norm = "ln_2",
    .up = "mlp.c_fc",
    .down = "mlp.c_proj",
};
constexpr Gpt2Names kGpt2Gguf = {
    .words = "token_embd",
    .positions = "position_embd",
    .norm = "output_norm",
    .head = "output",
    .layers = "blk.",
    .attention_norm = "attn_norm",
    .qkv = "attn_qkv",
    .out = "attn_output",
    .ffn_norm = "ffn_norm",
    .up = "ffn_up",
    .down = "ffn_down",
};

// As DecoderWeights::bind.
Result<DecoderWeights> bind_gpt2(const DecoderConfig& config, const TensorTable& tensors, StoredType stored, Team* team,
                                 ops::PackedStore* store);

}  // namespace lathe::models
