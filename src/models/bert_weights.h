// The tensors of a BERT-like model, bound once: products packed for their kernels, tables left in the file.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/bert_config.h"
#include "models/weight_binder.h"

namespace lathe::models {

struct BertLayer {
  LinearWeights qkv;  // [3 * width, width]: queries, keys, values
  LinearWeights out, up, down;
  NormWeights attention_norm, output_norm;
};

struct BertWeights {
  ops::EmbeddingTable words, positions;  // lead into the file
  std::vector<float> type;               // row 0 of the token types
  NormWeights norm;
  std::vector<BertLayer> layers;

  // Names of Hugging Face, with or without `bert.`, `roberta.` or `model.` before them, or of GGUF. Products are stored
  // as `stored`, whatever the file holds. An error names the tensor that is missing, or its shape and the one needed.
  // `tensors` must outlive this.
  static Result<BertWeights> bind(const BertConfig& config, const TensorTable& tensors, matmul::Type stored, Team* team,
                                  ops::PackedStore* store = nullptr);
};

// Every tensor of such a model: its name in a Hugging Face folder, without prefix, and in GGUF.
std::vector<std::pair<std::string, std::string>> bert_tensor_names(int64_t layers);

}  // namespace lathe::models
