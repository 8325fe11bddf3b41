// lathe pull: a model from Hugging Face into the local cache.
#include "hub/pull.h"

#include <fmt/core.h>

#include <string>

#include "commands.h"
#include "hub_path.h"
#include "progress.h"

namespace lathe::cli {
namespace {

struct Options {
  std::string name, revision = "main", endpoint, token;
  std::vector<std::string> files;
};

// NAME:FILE is NAME with --file FILE.
hub::PullOptions pull_options(const Options& options) {
  hub::PullOptions pull;
  const size_t colon = options.name.find(':');
  pull.remote.name = options.name.substr(0, colon);
  pull.files = options.files;
  if (colon != std::string::npos) pull.files.push_back(options.name.substr(colon + 1));
  pull.remote.revision = options.revision;
  pull.remote.endpoint = options.endpoint.empty() ? hub_endpoint() : options.endpoint;
  pull.remote.token = options.token.empty() ? hub_token() : options.token;
  pull.cache = hub_path();
  return pull;
}

// A path from a server, fit for a line of a terminal.
std::string line_for(const hub::PullProgress& progress) {
  std::string file(progress.file);
  for (char& c : file)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  if (progress.phase == hub::Phase::verifying) return "verifying " + file;
  return progress.phase == hub::Phase::waiting ? "another process downloads " + file : file;
}

// The path alone goes to stdout, for `lathe embed -m $(lathe pull NAME)`.
void print(const hub::PullOptions& options, const hub::Pulled& pulled) {
  const bool one_gguf = pulled.files.size() == 1 && pulled.files.front().ends_with(".gguf");
  fmt::print(stderr, "{} at {}: {} file{}, {:.1f} MB, of which {:.1f} MB were downloaded\n", options.remote.name,
             pulled.commit.substr(0, 12), pulled.files.size(), pulled.files.size() == 1 ? "" : "s",
             static_cast<double>(pulled.bytes) * 1e-6, static_cast<double>(pulled.received) * 1e-6);
  fmt::print("{}{}\n", pulled.snapshot, one_gguf ? "/" + pulled.files.front() : "");
}

Status pull(const Options& options) {
  if (hub_offline()) return failed("HF_HUB_OFFLINE is set, needed: leave to download");
  const hub::PullOptions pull = pull_options(options);
  Progress progress;
  const auto pulled =
      hub::pull(pull, [&](const hub::PullProgress& p) { progress.show_bytes(p.at, p.total, line_for(p)); });
  progress.clear();
  if (!pulled) return pulled.status();
  print(pull, *pulled);
  return {};
}

}  // namespace

void add_pull(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("pull", "Download a model from Hugging Face into the local cache");
  auto options = std::make_shared<Options>();
  command->add_option("NAME", options->name, "organisation/name, or organisation/name:FILE for one file of it")
      ->type_name("NAME")
      ->required();
  command->add_option("--revision", options->revision, "A branch, a tag or a commit")->capture_default_str();
  command->add_option("--file", options->files,
                      "Files by pattern (*, ?) instead of configuration, tokenizer and safetensors; may be repeated");
  command->add_option("--endpoint", options->endpoint, "Another server than HF_ENDPOINT or https://huggingface.co");
  command->add_option("--token", options->token,
                      "Instead of HF_TOKEN, which other users of the machine cannot see in the list of processes");
  command->callback([options, &chosen] { chosen = [options] { return pull(*options); }; });
}

}  // namespace lathe::cli
