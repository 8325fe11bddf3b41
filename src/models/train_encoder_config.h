// What an encoder to be trained from nothing is: one small JSON file, and the config.json of such a model.
#pragma once

#include <cstdint>
#include <string>

#include "lathe/status.h"
#include "models/bert_config.h"

namespace lathe::models {

struct EncoderDescription {
  BertConfig bert;
  float init_scale = 0.02f;  // standard deviation of the first matrices
};

// {"family": "bert", "width": 128, "layers": 3, "heads": 4, "intermediate": 512, "context": 128}, of which
// intermediate may be left out (4 * width), and eps, init_scale and vocabulary given. `vocabulary` is the tokenizer's,
// which the model takes where the file has none. An error names the field, what was found and what was needed.
Result<EncoderDescription> read_encoder_description(const std::string& path, int64_t vocabulary);

// As transformers' BertModel and lathe read it; `pad`, the id of the token that fills up, may be -1.
std::string encoder_hf_config(const BertConfig& config, int32_t pad);

}  // namespace lathe::models
