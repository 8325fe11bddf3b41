#include "run/read_grammar.h"

#include <nlohmann/json.hpp>

#include "chat/chat_template.h"
#include "grammar/json_schema.h"

namespace lathe::run {

Result<SharedGrammar> read_gbnf(std::string_view text, std::string_view name) {
  auto grammar = grammar::parse_gbnf(text, name);
  if (!grammar) return grammar.status();
  return std::make_shared<const grammar::Grammar>(std::move(*grammar));
}

Result<SharedGrammar> read_json_schema(std::string_view text, std::string_view name) {
  const auto schema = chat::parse_ordered(text, name);
  if (!schema) return schema.status();
  const auto gbnf = grammar::json_schema_to_gbnf(*schema, name);
  if (!gbnf) return gbnf.status();
  return read_gbnf(*gbnf, name);
}

}  // namespace lathe::run
