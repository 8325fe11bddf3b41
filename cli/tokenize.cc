// lathe tokenize: what a tokenizer makes of a text.
#include <fmt/core.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "commands.h"
#include "models/gguf_tokenizer.h"
#include "tokenize/tokenizer.h"

namespace lathe::cli {
namespace {

using nlohmann::json;
using tokenize::Encoding;
using tokenize::Tokenizer;

struct Options {
  std::string model;
  std::vector<std::string> texts;
  bool ids = false, pieces = false, lines = false, plain = false;
  int64_t max_tokens = 0;
};

std::string quoted(std::string_view text) { return json(text).dump(-1, ' ', false, json::error_handler_t::replace); }

void print_ids(const Encoding& encoding) { fmt::print("{}\n", json(encoding.ids).dump()); }

void print_pieces(const Tokenizer& tokenizer, const Encoding& encoding) {
  json pieces = json::array();
  for (const int32_t id : encoding.ids) pieces.push_back(tokenizer.piece(id));
  fmt::print("{}\n", pieces.dump(-1, ' ', false, json::error_handler_t::replace));
}

// A table for people: id and piece of every token.
void print_table(const Tokenizer& tokenizer, const Encoding& encoding) {
  for (const int32_t id : encoding.ids)
    fmt::print("{:>7}  {}{}\n", id, quoted(tokenizer.piece(id)), tokenizer.is_special(id) ? "  special" : "");
  fmt::print("{} tokens{}\n", encoding.tokens,
             encoding.truncated ? fmt::format(", cut down to {}", encoding.ids.size()) : std::string());
}

Status show(const Options& options, const Tokenizer& tokenizer, std::string_view text, tokenize::Workspace& work,
            Encoding& encoding) {
  const Status status =
      tokenizer.encode(text, {.add_special = !options.plain, .max_tokens = options.max_tokens}, work, encoding);
  if (!status.ok()) return status;
  if (options.ids) print_ids(encoding);
  if (options.pieces) print_pieces(tokenizer, encoding);
  if (!options.ids && !options.pieces) print_table(tokenizer, encoding);
  return {};
}

Status show_lines(const Options& options, const Tokenizer& tokenizer, tokenize::Workspace& work, Encoding& encoding) {
  int64_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    const json text = json::parse(line, nullptr, false);
    if (!text.is_string())
      return invalid_argument(fmt::format("line {} of standard input is no JSON string, needed one", number));
    const Status status = show(options, tokenizer, text.get_ref<const std::string&>(), work, encoding);
    if (!status.ok()) return status;
  }
  return {};
}

Result<Tokenizer> load(const std::string& path) {
  if (!path.ends_with(".gguf")) return Tokenizer::load(path);
  const auto file = open_gguf(path);
  if (!file.ok()) return file.status();
  return models::tokenizer_of(file->content);
}

Status run(const Options& options) {
  const auto tokenizer = load(options.model);
  if (!tokenizer.ok()) return tokenizer.status();
  if (options.lines != options.texts.empty())
    return invalid_argument(options.lines ? "texts come from --lines or from the command line, not from both"
                                          : "a text is missing; see 'lathe tokenize --help'");
  tokenize::Workspace work;
  Encoding encoding;
  if (options.lines) return show_lines(options, *tokenizer, work, encoding);
  for (const std::string& text : options.texts) {
    const Status status = show(options, *tokenizer, text, work, encoding);
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace

void add_tokenize(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("tokenize", "Show the tokens that a tokenizer makes of a text");
  auto options = std::make_shared<Options>();
  command
      ->add_option("-m,--model", options->model,
                   "tokenizer.json, vocab.txt, vocab.json, a .model or .gguf file, or a folder that holds one")
      ->required();
  command->add_option("TEXT", options->texts, "Texts to tokenize");
  CLI::Option* ids = command->add_flag("--ids", options->ids, "Print a line of ids for each text, as JSON");
  command->add_flag("--pieces", options->pieces, "Print a line of pieces for each text, as JSON")->excludes(ids);
  command->add_flag("--lines", options->lines, "Read texts from standard input, a JSON string a line");
  command->add_flag("--plain", options->plain, "Without the special tokens around a text");
  command->add_option("--max-tokens", options->max_tokens, "Cut longer texts down to this many tokens");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lathe::cli
