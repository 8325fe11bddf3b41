// The tokenizer that a GGUF file carries in its tokenizer.ggml.* fields.
#pragma once

#include "formats/gguf.h"
#include "tokenize/export_json.h"
#include "tokenize/tokenizer.h"

namespace lathe::models {

// Nothing of the file is kept.
Result<tokenize::Tokenizer> tokenizer_of(const Gguf& file);

// The same as the files of a Hugging Face folder, the chat template with it.
Result<tokenize::JsonExport> tokenizer_json_of(const Gguf& file);

}  // namespace lathe::models
