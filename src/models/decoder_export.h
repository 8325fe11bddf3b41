// A decoder of a Hugging Face folder as the GGUF file that llama.cpp's converter makes of it.
#pragma once

#include "lathe/status.h"
#include "models/gguf_export.h"

namespace lathe::models {

// Fills in all but `files`, which it reads. An error names what GGUF has no words for.
Status export_decoder(GgufExport& made);

}  // namespace lathe::models
