// What a GGUF file of an embedding model says about the way from its tokens' vectors to one of the text.
#pragma once

#include <optional>
#include <string_view>

#include "formats/gguf.h"
#include "formats/sentence_transformer.h"

namespace lathe::models {

// Pooling from <architecture>.pooling_type (a mean where it is absent), the Dense modules from the tensors dense_2 and
// dense_3, and always length 1: the format has no field for it. The result leads into `file`.
Result<SentenceTransformer> gguf_extras(const Gguf& file, std::string_view architecture);

}  // namespace lathe::models
