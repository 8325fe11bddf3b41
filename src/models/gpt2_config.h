// The description of GPT-2 and its kin in config.json, which has names of its own for everything.
#pragma once

#include "formats/fields.h"
#include "lathe/status.h"
#include "models/decoder_config.h"

namespace lathe::models {

// An error names what is absent or impossible, or a rule that is another than GPT-2's.
Result<DecoderConfig> read_gpt2_config(const Fields& config);

}  // namespace lathe::models
