// The config.json of a model that was trained here, as transformers and lathe read it.
#pragma once

#include <cstdint>
#include <string>

#include "models/train_config.h"

namespace lathe::models {

// Ids of the tokens that begin and end a text; -1: there is none.
std::string train_hf_config(const TrainConfig& config, int32_t bos, int32_t eos);

}  // namespace lathe::models
