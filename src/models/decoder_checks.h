// What every description of a decoder has to hold, whatever file it comes from.
#pragma once

#include <string>

#include "formats/fields.h"
#include "models/decoder_config.h"

namespace lathe::models {

constexpr IntRange kSmallCount{1, 1 << 16};  // layers, heads and what a head has: no sum of their products overflows

// Names the field that cannot be.
Status check_heads(const Fields& config, const DecoderConfig& decoder, const std::string& kv_field,
                   const std::string& dim_field);

}  // namespace lathe::models
