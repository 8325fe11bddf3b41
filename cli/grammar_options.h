// The options that say what an answer must be.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "run/read_grammar.h"

namespace lathe::cli {

struct GrammarOptions {
  std::string grammar;      // a file
  std::string json_schema;  // a file, or the schema itself
};

void add_grammar_options(CLI::App& command, GrammarOptions& options, const char* group);
// nullptr where they say nothing.
Result<run::SharedGrammar> answer_grammar(const GrammarOptions& options);

}  // namespace lathe::cli
