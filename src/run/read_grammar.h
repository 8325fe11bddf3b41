// What an answer must be, from a text that says so.
#pragma once

#include <memory>
#include <string_view>

#include "grammar/grammar.h"
#include "lathe/status.h"

namespace lathe::run {

using SharedGrammar = std::shared_ptr<const grammar::Grammar>;

// Of llama.cpp's notation, and of a JSON schema. `name` is what errors call the text.
Result<SharedGrammar> read_gbnf(std::string_view text, std::string_view name);
Result<SharedGrammar> read_json_schema(std::string_view text, std::string_view name);

}  // namespace lathe::run
