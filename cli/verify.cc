// lathe verify: whether a model's files, and what is computed from them here, can be trusted.
#include "run/verify.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <string>

#include "commands.h"
#include "hub_path.h"

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  run::VerifyOptions verify;
  bool json = false;
};

std::string_view word(run::Check::Outcome outcome) {
  using Outcome = run::Check::Outcome;
  return outcome == Outcome::passed ? "ok" : outcome == Outcome::failed ? "FAILED" : "-";
}

void print_line(const run::Check& check) {
  std::string detail = check.detail;
  for (char& c : detail)  // it quotes files
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  fmt::print("{:<6}  {:<26}  {}\n", word(check.outcome), check.name, detail);
  std::fflush(stdout);  // the next check may take a while
}

Json to_json(const run::Check& check) {
  Json figures = Json::object();
  for (const auto& [name, value] : check.figures) figures[std::string(name)] = value;
  return {{"check", check.name},
          {"outcome", run::outcome_name(check.outcome)},
          {"detail", check.detail},
          {"figures", std::move(figures)}};
}

Status verify(const Options& options) {
  run::VerifyOptions verify = options.verify;
  verify.hub = hub_path();
  Json checks = Json::array();
  int all = 0, wrong = 0;
  const Status status = run::verify_model(verify, [&](const run::Check& check) {
    ++all;
    wrong += check.outcome == run::Check::Outcome::failed;
    options.json ? checks.push_back(to_json(check)) : print_line(check);
  });
  if (!status.ok()) return status;
  if (options.json) {
    const Json report = {{"model", verify.model}, {"failed", wrong}, {"checks", std::move(checks)}};
    fmt::print("{}\n", report.dump(2, ' ', false, Json::error_handler_t::replace));
  }
  return wrong == 0 ? Status() : failed(fmt::format("{} of {} checks failed", wrong, all));
}

}  // namespace

void add_verify(CLI::App& lathe, Command& chosen) {
  CLI::App* command =
      lathe.add_subcommand("verify", "Check a model: tokenizer, weights, bits, precision, golden vectors");
  auto options = std::make_shared<Options>();
  command->add_option("MODEL", options->verify.model, "A model's folder or file, or its Hugging Face name")
      ->type_name("MODEL")
      ->required();
  command->add_option("--golden", options->verify.golden, "Vectors to compare with, instead of MODEL's golden.json");
  command->add_option("--threads", options->verify.threads, "0: what the machine recommends")->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([options, &chosen] { chosen = [options] { return verify(*options); }; });
}

}  // namespace lathe::cli
