#include "grammar_options.h"

#include "base/atomic_file.h"

namespace lathe::cli {
namespace {

constexpr int64_t kLongest = 4 << 20;  // bytes, as grammar::Grammar::Limits has it

bool is_schema(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] == '{';
}

}  // namespace

Result<run::SharedGrammar> answer_grammar(const GrammarOptions& options) {
  if (!options.grammar.empty() && !options.json_schema.empty())
    return invalid_argument("--grammar and --json-schema are both given, needed: one of them");
  if (is_schema(options.json_schema)) return run::read_json_schema(options.json_schema, "--json-schema");
  const std::string& file = options.grammar.empty() ? options.json_schema : options.grammar;
  if (file.empty()) return run::SharedGrammar();
  const auto text = read_file(file, kLongest);
  if (!text) return text.status();
  return options.grammar.empty() ? run::read_json_schema(*text, file) : run::read_gbnf(*text, file);
}

void add_grammar_options(CLI::App& command, GrammarOptions& options, const char* group) {
  command.add_option("--grammar", options.grammar, "The answer is a text of this grammar (GBNF)")
      ->group(group)
      ->type_name("FILE");
  command
      .add_option("--json-schema", options.json_schema, "The answer is JSON of this schema, a file or the text itself")
      ->group(group)
      ->type_name("FILE|TEXT");
}

}  // namespace lathe::cli
