// lathe perplexity: how well a model predicts a text.
#include "run/perplexity.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/atomic_file.h"
#include "commands.h"
#include "decoder_options.h"
#include "interrupt.h"
#include "progress.h"

namespace lathe::cli {
namespace {

constexpr int64_t kLongestText = int64_t{1} << 30;  // bytes

struct Options {
  DecoderOptions decoder;
  std::string file;
  int64_t stride = 0;
  bool json = false;
};

void print(const run::Perplexity& p, const run::PerplexityOptions& how, bool as_json) {
  if (as_json) {
    const nlohmann::ordered_json json = {
        {"perplexity", p.value},  {"standard_error", p.error}, {"mean_negative_log_likelihood", p.mean},
        {"tokens", p.tokens},     {"scored", p.scored},        {"windows", p.windows},
        {"context", how.context}, {"stride", how.stride}};
    return fmt::print("{}\n", json.dump());
  }
  const std::string windows = how.stride == 0 ? fmt::format("the second halves of {} windows", p.windows)
                                              : fmt::format("{} windows every {} tokens", p.windows, how.stride);
  fmt::print("perplexity {:.4f} +- {:.4f}, {} of {} tokens, {} of {} tokens each\n", p.value, p.error, p.scored,
             p.tokens, windows, how.context);
}

Status measure(const Options& options) {
  const auto plan = decoder_plan(options.decoder);
  if (!plan) return plan.status();
  const auto text = read_file(options.file, kLongestText);
  if (!text) return text.status();
  end_quietly_on_signals();
  const auto generator = open_decoder(*plan);
  if (!generator) return generator.status();
  const auto ids = (*generator)->tokens_of(*text);
  if (!ids) return ids.status();
  Progress progress;
  run::PerplexityOptions how{.stride = options.stride};
  how.context = std::min(how.context, (*generator)->context());
  if (plan->generator.context > 0) how.context = plan->generator.context;
  how.progress = [&progress](int64_t done, int64_t windows) { progress.show(done, windows, "windows"); };
  const auto result = run::perplexity(**generator, *ids, how);
  progress.clear();
  if (!result) return result.status();
  print(*result, how, options.json);
  return {};
}

constexpr const char* kFooter = R"(
Without --stride as llama.cpp does it: windows side by side, each beginning as a text does, of which the tokens behind
the first half are scored. With it as the guide of transformers does: overlapping windows, each token scored once.
Lower is better, and only the same text, tokenizer, context and way compare.

Examples:
  lathe perplexity -m MODEL --file wiki.test.raw
  lathe perplexity -m MODEL --file wiki.test.raw --context 2048 --stride 512 --json)";

}  // namespace

void add_perplexity(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("perplexity", "How well a model predicts a text");
  auto options = std::make_shared<Options>();
  Options& o = *options;
  add_model_option(*command, o.decoder, true);
  constexpr const char* kGroup = "Text";
  command->add_option("-f,--file", o.file, "The text")->required()->group(kGroup)->type_name("FILE");
  command->add_option("--stride", o.stride, "Tokens from one window to the next; 0: halves, as above")
      ->group(kGroup)
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--json", o.json, "Print JSON");
  add_resource_options(*command, o.decoder, "Tokens of a window; 0: 512, or what the model takes where that is less");
  add_decoder_device(*command, o.decoder);
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return measure(*options); }; });
}

}  // namespace lathe::cli
