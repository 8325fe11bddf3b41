// lathe data build: texts into a file of token ids to train on.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "commands.h"
#include "hub_path.h"
#include "interrupt.h"
#include "progress.h"
#include "run/data_build.h"

namespace lathe::cli {
namespace {

struct Options {
  run::DataBuildOptions build;
  bool quiet = false;
};

Status build(const Options& options) {
  Progress progress;
  run::DataBuildOptions run_options = options.build;
  run_options.hub = hub_path();
  run_options.writing = remove_on_signals;
  if (!options.quiet)
    run_options.progress = [&](int64_t done, int64_t total) { progress.show_bytes(done, total, "tokens"); };
  end_quietly_on_signals();
  const auto report = run::build_data(run_options);
  remove_on_signals("");
  progress.clear();
  if (!report) return report.status();
  if (options.quiet) return {};
  std::error_code error;
  const auto bytes = std::filesystem::file_size(options.build.output, error);
  fmt::print("{}: {} tokens to train on, {} to validate, of {} document{}\n", options.build.output, report->train_count,
             report->validation_count, report->documents, report->documents == 1 ? "" : "s");
  fmt::print("{:.2f} MB of text in {:.2f} MB: a vocabulary of {}, {} bits an id\n",
             static_cast<double>(report->text_bytes) * 1e-6, static_cast<double>(bytes) * 1e-6, report->vocabulary,
             8 * report->id_bytes);
  return {};
}

constexpr const char* kFooter = R"(
Examples:
  lathe data build shakespeare.txt -o shakespeare.shard --tokenizer chars
  lathe data build stories.jsonl -o stories.shard --tokenizer tok.model
  lathe data build stories.txt -o stories.shard --tokenizer model.gguf      to fine-tune that model
  lathe data build stories.txt -o stories.shard --tokenizer tok.model --document-end '<|endoftext|>'

The tokenizer is stored inside the shard, and from there goes with the trained model.)";

void add_build(CLI::App& data, Command& chosen) {
  CLI::App* command = data.add_subcommand("build", "Turn texts into a shard of token ids");
  auto options = std::make_shared<Options>();
  run::DataBuildOptions& b = options->build;
  command->add_option("TEXT", b.corpus.files, "Text files, or JSON lines (.jsonl)")->type_name("FILE")->required();
  command->add_option("-o,--output", b.output, "The shard")->type_name("FILE")->required();
  command
      ->add_option("-t,--tokenizer", b.tokenizer,
                   "A tokenizer's file, a model that has one, or 'chars': a token for every character")
      ->type_name("PATH|chars")
      ->required();
  command->add_option("--validation", b.validation, "Share of the tokens, at the end, that is kept for validation")
      ->type_name("SHARE")
      ->capture_default_str();
  command->add_option("--format", b.corpus.format, "text or jsonl; else by each file's name")->type_name("NAME");
  command->add_option("--field", b.corpus.field, "Of JSON lines, that holds the text")
      ->type_name("NAME")
      ->capture_default_str();
  command
      ->add_option("--document-end", b.corpus.document_end,
                   "What stands between the documents of a text file; else each file is one")
      ->type_name("TEXT");
  command->add_option("--threads", b.threads, "0: what the machine recommends")->type_name("N")->capture_default_str();
  command->add_flag("-q,--quiet", options->quiet, "No bar and no figures");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return build(*options); }; });
}

}  // namespace

void add_data(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("data", "Prepare texts to train on");
  command->require_subcommand(1);
  add_build(*command, chosen);
}

}  // namespace lathe::cli
