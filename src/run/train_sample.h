// What a model that is being trained makes of a prompt.
#pragma once

#include <cstdint>
#include <string>

#include "lathe/status.h"
#include "models/train_model.h"
#include "sample/sampler_options.h"
#include "tokenize/tokenizer.h"

namespace lathe::run {

struct TrainSampleOptions {
  std::string prompt{};
  int64_t tokens = 100;
  int32_t separator = -1;  // begins the text, where there is one, and ends it
  int64_t context = 0;     // the model sees so many of the last tokens
  sample::SamplerOptions sampler{.temperature = 0.8f, .top_p = 0.95f};
};

// The prompt and what follows it. The whole text passes for each token: there is no cache of keys and values here.
Result<std::string> train_sample(models::TrainModel& model, const tokenize::Tokenizer& tokenizer,
                                 const TrainSampleOptions& options);

}  // namespace lathe::run
