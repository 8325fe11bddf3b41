// The config.json of a decoder.
#pragma once

#include <string>

#include "base/dtype.h"
#include "formats/gguf.h"
#include "lathe/status.h"
#include "models/decoder_config.h"
#include "models/decoder_family.h"

namespace lathe::models {

// For a model whose values are of `type`. `file` says what `decoder`, which was read from it, does not keep: how
// positions were stretched, and the ids of special tokens. An error names what transformers has no field for.
Result<std::string> hf_config_text(const Gguf& file, const DecoderFamily& family, const DecoderConfig& decoder,
                                   DType type);

}  // namespace lathe::models
