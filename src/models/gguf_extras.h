// What a GGUF file of an embedding model says about the way from its tokens' vectors to one of the text.
#pragma once

#include <optional>
#include <string_view>

#include "formats/gguf.h"
#include "formats/sentence_transformer.h"

namespace lathe::models {

// Pooling from <architecture>.pooling_type (a mean where it is absent), the Dense modules from the tensors dense_2 and
// dense_3. The format has no field for the length of vectors, which is always 1, nor for prompts: EmbeddingGemma's are
// the eight that it was trained with. The result leads into `file`.
Result<SentenceTransformer> gguf_extras(const Gguf& file, std::string_view architecture);

}  // namespace lathe::models
