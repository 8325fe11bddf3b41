// The tokenizer of a Hugging Face folder, and what is said around it, as fields of a GGUF file.
#pragma once

#include <cstdint>

#include "formats/fields.h"
#include "formats/model_files.h"
#include "lathe/status.h"
#include "models/gguf_export.h"

namespace lathe::models {

// Adds tokenizer.* for a model of `vocabulary` tokens. A folder without a tokenizer is a note; a tokenizer that GGUF
// has no words for is an error.
Status export_tokenizer(const ModelFiles& files, const Fields& config, int64_t vocabulary, GgufExport& made);

}  // namespace lathe::models
