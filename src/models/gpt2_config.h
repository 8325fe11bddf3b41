// The description of GPT-2 and its kin, which has names of its own for everything.
#pragma once

#include "formats/fields.h"
#include "formats/gguf.h"
#include "lathe/status.h"
#include "models/decoder_config.h"

namespace lathe::models {

// From config.json, and from the metadata of a GGUF file. An error names what is absent or impossible, or a rule that
// is another than GPT-2's.
Result<DecoderConfig> read_gpt2_config(const Fields& config);
Result<DecoderConfig> read_gpt2_gguf(const Gguf& file);

}  // namespace lathe::models
