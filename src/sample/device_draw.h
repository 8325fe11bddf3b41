// Draws on a device: with the same logits and the same random number (Sampler::random_of) the tokens of Sampler.
#pragma once

#include "gpu/draw.h"
#include "sample/sampler_options.h"

namespace lathe::sample {

// Of plain options whose temperature is above 0.
gpu::DrawSettings device_draw(const SamplerOptions& options);

}  // namespace lathe::sample
