// What stands beside a tokenizer's file: which tokens are the special ones, and how long a text may be.
#pragma once

#include <memory>

#include "tokenize/fields.h"
#include "tokenize/parts.h"

namespace lathe::tokenize {

// {"content": ..., "special": ..., "lstrip": ...}
AddedToken read_added_token(const Node& node, int32_t id);
// "[CLS]" or {"content": "[CLS]"}; nothing where it is absent.
std::optional<std::string> token_content(const Node& node, std::string_view field);

// Sets parts.special and parts.max_tokens. Where no file says which token is cls, sep ..., the usual names do.
void read_companions(const Companions& beside, Tokenizer::Parts& parts);

// The document of one companion; an empty object where there is none.
Json companion(std::string_view name, std::string_view json);

std::unique_ptr<const Tokenizer::Parts> build_from_file(std::string_view name, const TokenizerFile& file,
                                                        const Companions& beside);

// vocab.json and merges.txt as the tokenizer.json that says the same.
TokenizerFile file_of_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt,
                                       const Companions& beside);

}  // namespace lathe::tokenize
