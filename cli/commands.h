// The subcommands of `lathe`, one file each.
//
// To add one: write cli/<name>.cc that defines add_<name>, declare it here, and call it in main.cc. The function
// describes its options to CLI11; parsing only notes which command was chosen, and main runs it afterwards.
//
//   struct Options { bool json = false; };
//   Status show(const Options& options);
//
//   void add_inspect(CLI::App& lathe, Command& chosen) {
//     CLI::App* command = lathe.add_subcommand("inspect", "What it shows, in one line");
//     auto options = std::make_shared<Options>();  // lives as long as the callback does
//     command->add_flag("--json", options->json, "Print JSON");
//     command->callback([options, &chosen] { chosen = [options] { return show(*options); }; });
//   }
//
// Results go to stdout and nothing else does: errors are the Status, warnings go through logging.h. A command groups
// others with command->require_subcommand(1). Values that people type are checked by the library, whose Status
// names what was found and needed; CLI11 checks only that numbers are numbers.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "lathe/status.h"

namespace lathe::cli {

using Command = std::function<Status()>;

void add_bench(CLI::App& lathe, Command& chosen);
void add_cache(CLI::App& lathe, Command& chosen);
void add_chat(CLI::App& lathe, Command& chosen);
void add_convert(CLI::App& lathe, Command& chosen);
void add_data(CLI::App& lathe, Command& chosen);
void add_embed(CLI::App& lathe, Command& chosen);
void add_explain(CLI::App& lathe, Command& chosen);
void add_export(CLI::App& lathe, Command& chosen);
void add_generate(CLI::App& lathe, Command& chosen);
void add_index(CLI::App& lathe, Command& chosen);
void add_inspect(CLI::App& lathe, Command& chosen);
void add_perplexity(CLI::App& lathe, Command& chosen);
void add_probe(CLI::App& lathe, Command& chosen);
void add_pull(CLI::App& lathe, Command& chosen);
void add_quantize(CLI::App& lathe, Command& chosen);
void add_report(CLI::App& lathe, Command& chosen);
void add_search(CLI::App& lathe, Command& chosen);
void add_tokenize(CLI::App& lathe, Command& chosen);
void add_tokenizer(CLI::App& lathe, Command& chosen);
void add_train(CLI::App& lathe, Command& chosen);
void add_verify(CLI::App& lathe, Command& chosen);

constexpr int kExitOk = 0;
constexpr int kExitFailure = 1;
constexpr int kExitUsage = 2;

inline int exit_code(const Status& status) {
  if (status.ok()) return kExitOk;
  return status.code() == Code::invalid_argument ? kExitUsage : kExitFailure;
}

}  // namespace lathe::cli
