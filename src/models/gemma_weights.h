// The tensors of EmbeddingGemma, bound once.
#pragma once

#include <vector>

#include "models/gemma_config.h"
#include "models/weight_binder.h"

namespace lathe::models {

struct GemmaLayer {
  LinearWeights qkv;      // queries, keys, values
  LinearWeights out;      // of the attention
  LinearWeights gate_up;  // gated
  LinearWeights down;
  std::vector<float> attention_norm, query_norm, key_norm, attention_post_norm, ffn_norm, ffn_post_norm;
};

struct GemmaWeights {
  ops::EmbeddingTable words;  // leads into the file
  std::vector<float> norm;
  float norm_offset = 0;  // added to every norm's weights: Hugging Face's files hold them less 1, GGUF whole
  std::vector<GemmaLayer> layers;

  // Names of Hugging Face, with or without `model.` before them, or of GGUF. Products are stored as `stored`, whatever
  // the file holds. An error names the tensor that is missing, or its shape and the one needed. `tensors` must outlive
  // this.
  static Result<GemmaWeights> bind(const GemmaConfig& config, const TensorTable& tensors, matmul::Type stored,
                                   Team* team, ops::PackedStore* store = nullptr);
};

}  // namespace lathe::models
