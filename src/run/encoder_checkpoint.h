// An encoder on the disk as sentence-transformers and 'lathe embed' open it: the Hugging Face folder, and the modules
// that make one vector of length 1 of a text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/model_files.h"
#include "formats/token_shard.h"
#include "lathe/status.h"
#include "models/train_encoder.h"

namespace lathe::run {

struct EncoderHead {
  std::string config;                     // config.json as it stands
  std::vector<NamedFile> tokenizer = {};  // its files
  int64_t max_tokens = 0;                 // of a text
  bool lower_case = false;                // before the tokenizer
  std::string record;                     // train.json
};

// With the optimizer's moments. Whole or not at all.
Status save_encoder(const std::string& path, const EncoderHead& head, models::TrainEncoder& model);

// A model that is there, as a run begins with it.
struct EncoderStart {
  models::BertConfig config;
  EncoderHead head;
  ModelFiles files;
};
// An error names what learning cannot represent: another pooling than the mean, Dense modules, a GGUF file.
Result<EncoderStart> read_encoder_start(const std::string& model, const std::string& hub);
// The weights of `files`, whatever type they have, into a model of the same configuration.
Status load_encoder_weights(const ModelFiles& files, models::TrainEncoder& model);
// Weights and moments of a checkpoint.
Status load_encoder(const std::string& checkpoint, models::TrainEncoder& model);

}  // namespace lathe::run
