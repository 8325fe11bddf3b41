// The tokens that end an answer, as a model's files name them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "formats/fields.h"
#include "lathe/status.h"
#include "tokenize/tokenizer.h"

namespace lathe::sample {

// In every case special tokens by the names that chat models give to the end of a turn are among them, since files
// often leave them out. Sorted; empty where nothing names one. Ids are below `vocabulary`, what the model has logits
// for; `tokenizer` may be nullptr, where a model is used by ids alone.

// eos_token_id, a number or a list, of `folder`/generation_config.json, else of `folder`/config.json (or its
// text_config), else what the tokenizer calls eos.
Result<std::vector<int32_t>> stop_tokens(const std::string& folder, int64_t vocabulary,
                                         const tokenize::Tokenizer* tokenizer);

// Of GGUF metadata: tokenizer.ggml.eos_token_id, eot_token_id and eom_token_id.
Result<std::vector<int32_t>> stop_tokens(const Fields& gguf, int64_t vocabulary, const tokenize::Tokenizer* tokenizer);

// What the tokenizer calls eos, where no other file says more.
std::vector<int32_t> stop_tokens(int64_t vocabulary, const tokenize::Tokenizer* tokenizer);

}  // namespace lathe::sample
