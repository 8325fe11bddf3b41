// A BERT of a Hugging Face folder as the GGUF file that llama.cpp's converter makes of it.
#pragma once

#include "formats/fields.h"
#include "lathe/status.h"
#include "models/gguf_export.h"

namespace lathe::models {

// Fills in all but `files`, which it reads; `config` is its config.json, of model_type bert. An error names what GGUF
// has no words for.
Status export_encoder(const Fields& config, GgufExport& made);

}  // namespace lathe::models
