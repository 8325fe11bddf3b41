// Where each tensor of an encoder that learns stands in its flat arrays.
#pragma once

#include "models/bert_config.h"
#include "models/train_layout.h"

namespace lathe::models {

// As TrainLayout, whose layers' norms stand behind the sums here: attention_norm behind attention's, ffn_norm behind
// the second half's. `norm` is that of the embedding; there is no head.
struct EncoderLayout : TrainLayout {
  int64_t types = kNoTensor;
};

// Tensors have the names and shapes of a Hugging Face folder of the model ("encoder.layer.0.output.dense.weight").
// Queries, keys and values of a layer stand one after the other, as do their biases.
EncoderLayout encoder_layout(const BertConfig& config);

}  // namespace lathe::models
