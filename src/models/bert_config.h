// The sizes and rules of BERT and XLM-RoBERTa, from a model's files.
#pragma once

#include <cstdint>

#include "formats/fields.h"
#include "formats/gguf.h"
#include "kernels/matmul/matmul.h"
#include "lathe/status.h"

namespace lathe::models {

struct BertConfig {
  int64_t width = 0, layers = 0, heads = 0, intermediate = 0;
  int64_t vocabulary = 0;
  int64_t positions = 0;       // rows of the position table
  int64_t first_position = 0;  // of a text's first token: pad_token_id + 1 where RoBERTa numbers from there
  int64_t types = 0;
  float eps = 1e-12f;
  matmul::Activation activation = matmul::Activation::gelu_erf;

  int64_t head_dim() const { return width / heads; }
  int64_t max_tokens() const { return positions - first_position; }
};

// From config.json. An error that names the field where the architecture is another one or a needed field is absent or
// impossible.
Result<BertConfig> read_bert_config(const Fields& config);
// From the metadata of a GGUF file whose general.architecture is bert. GELU is erf's, as in the models that are
// converted; the format does not say.
Result<BertConfig> read_bert_gguf(const Gguf& file);

}  // namespace lathe::models
