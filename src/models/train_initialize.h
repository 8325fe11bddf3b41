// The first weights of a seed: a function of the seed and an element's place, the same on every machine.
#pragma once

#include <cstdint>

#include "models/train_layout.h"
#include "platform/team.h"

namespace lathe::models {

void initialize_weights(Team& team, const TrainConfig& config, const TrainLayout& layout, uint64_t seed,
                        float* weights);

}  // namespace lathe::models
