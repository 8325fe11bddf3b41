// The model that fine-tuning begins with: found, read into a flat array, and its vocabulary compared with the data's.
#pragma once

#include <span>
#include <string>

#include "formats/model_files.h"
#include "lathe/status.h"
#include "models/pretrained.h"
#include "tokenize/tokenizer.h"

namespace lathe::run {

// As resolve_model; of a run's folder its best checkpoint, else the last.
Result<ModelFiles> resolve_run_or_model(const std::string& model, const std::string& hub);

// `weights` are those of a TrainModel of the same configuration.
Status read_pretrained(const models::Pretrained& model, int threads, std::span<float> weights);

// Every token of the data's tokenizer is the same in the model's. An error names both, and the first that is not.
Status check_same_vocabulary(const tokenize::Tokenizer& data, const std::string& data_name,
                             const tokenize::Tokenizer& model, const std::string& model_name);

}  // namespace lathe::run
