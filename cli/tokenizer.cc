// lathe tokenizer train: a tokenizer made of texts.
#include <fmt/format.h>

#include <memory>

#include "commands.h"
#include "run/train_tokenizer.h"

namespace lathe::cli {
namespace {

struct Options {
  run::TrainTokenizerOptions train;
  bool quiet = false;
};

Status train(const Options& options) {
  const auto report = run::train_tokenizer(options.train);
  if (!report) return report.status();
  if (!options.quiet)
    fmt::print("{}: {} tokens, of {:.2f} MB of text in {} lines; {:.2f} bytes a token\n", options.train.output,
               report->vocabulary, static_cast<double>(report->bytes) * 1e-6, report->lines, report->bytes_per_token);
  return {};
}

constexpr const char* kFooter = R"(
Example:
  lathe tokenizer train stories.txt --vocab 4096 -o tok.model
  lathe data build stories.txt -o stories.shard --tokenizer tok.model)";

void add_train_command(CLI::App& tokenizer, Command& chosen) {
  CLI::App* command = tokenizer.add_subcommand("train", "Make a SentencePiece tokenizer of texts");
  auto options = std::make_shared<Options>();
  run::TrainTokenizerOptions& t = options->train;
  command->add_option("TEXT", t.corpus.files, "Text files, or JSON lines (.jsonl)")->type_name("FILE")->required();
  command->add_option("-o,--output", t.output, "The tokenizer, such as tok.model; tok.json of wordpiece")
      ->type_name("FILE")
      ->required();
  command->add_option("--vocab", t.vocabulary, "Tokens, with 259 special ones and bytes")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--type", t.type, "bpe, unigram or (BERT's) wordpiece")->type_name("NAME")->capture_default_str();
  command->add_option("--format", t.corpus.format, "text or jsonl; else by each file's name")->type_name("NAME");
  command->add_option("--field", t.corpus.field, "Of JSON lines, that holds the text")
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--document-end", t.corpus.document_end, "What stands between the documents of a text file")
      ->type_name("TEXT");
  command->add_option("--threads", t.threads, "0: what the machine recommends")->type_name("N")->capture_default_str();
  command->add_flag("-v,--verbose", t.verbose, "What SentencePiece says on the way");
  command->add_flag("-q,--quiet", options->quiet, "No figures");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return train(*options); }; });
}

}  // namespace

void add_tokenizer(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("tokenizer", "Make tokenizers");
  command->require_subcommand(1);
  add_train_command(*command, chosen);
}

}  // namespace lathe::cli
