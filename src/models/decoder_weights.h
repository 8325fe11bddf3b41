// The tensors of a decoder, bound once.
#pragma once

#include <vector>

#include "models/decoder_config.h"
#include "models/weight_binder.h"

namespace lathe::models {

struct DecoderLayer {
  std::vector<LinearWeights> qkv;      // queries, keys, values, as one product where they have one type
  LinearWeights out;                   // of the attention
  std::vector<LinearWeights> gate_up;  // one gated product, or, of two types, gate and up; without a gate, up
  LinearWeights down;
  NormWeights attention_norm, ffn_norm;                   // biases with DecoderConfig::layer_norms
  std::vector<float> query_norm, key_norm;                // with DecoderConfig::query_key_norm
  std::vector<float> attention_post_norm, ffn_post_norm;  // with DecoderConfig::post_norms
};

struct DecoderWeights {
  ops::EmbeddingTable words;      // leads into the file
  ops::EmbeddingTable positions;  // with DecoderConfig::learned_positions
  NormWeights norm;
  LinearWeights head;
  std::vector<DecoderLayer> layers;

  // Of all products, as they are kept: what a pass reads once, however many tokens it has.
  int64_t product_bytes() const;
  // The type that most of them are kept in, by bytes.
  matmul::Type main_type() const;
  std::vector<const LinearWeights*> products() const;
  std::vector<LinearWeights*> products();

  // Names of Hugging Face, with or without `model.` before them, or of GGUF. Products are stored as `stored`, whatever
  // the file holds, or each as the file has it. An error names the tensor that is missing, or its shape and the one
  // needed. `tensors` must outlive this.
  static Result<DecoderWeights> bind(const DecoderConfig& config, const TensorTable& tensors, StoredType stored,
                                     Team* team, ops::PackedStore* store = nullptr);
};

}  // namespace lathe::models
