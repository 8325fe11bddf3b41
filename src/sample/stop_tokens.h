// The tokens that end an answer, as a model's files name them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/fields.h"
#include "lathe/status.h"
#include "tokenize/tokenizer.h"

namespace lathe::sample {

// eos_token_id, a number or a list, of `folder`/generation_config.json, else of `folder`/config.json (or its
// text_config), else what the tokenizer calls eos. Sorted; empty where nothing names one.
Result<std::vector<int32_t>> stop_tokens(const std::string& folder, const tokenize::Tokenizer& tokenizer);

// The same for GGUF metadata: tokenizer.ggml.eos_token_id, eot_token_id and eom_token_id, and, since converters often
// leave out the latter two, special tokens by the names that chat models give to the end of a turn.
Result<std::vector<int32_t>> stop_tokens(const Fields& gguf, const tokenize::Tokenizer& tokenizer);

}  // namespace lathe::sample
