// The binary: describes the commands, runs the chosen one, and turns its Status into one line and an exit code.
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>

#include "commands.h"
#include "complain.h"
#include "logging.h"

namespace lathe::cli {
namespace {

constexpr const char* kFooter = R"(
First steps:
  lathe inspect machine       what this machine has, and how many threads lathe will use
  lathe pull NAME             a model from Hugging Face into the local cache
  lathe inspect model MODEL   what a model's files hold: architecture, tensors, types, tokenizer
  lathe probe matmul          its kernels at a dozen shapes, beside installed libraries
  lathe explain 17 4096 1024  which kernel runs for one product, and why

`lathe COMMAND --help` lists a command's options.
Exit codes: 0 success, 1 failure, 2 a mistake in the command line.)";

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;  // the innermost that was named
  std::string path = app.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += ' ' + command->get_name();
  }
  const auto extras = app.remaining(true);
  const bool is_group = !command->get_subcommands([](const CLI::App*) { return true; }).empty();
  const int kind = error.get_exit_code();
  const bool no_command =
      kind == static_cast<int>(CLI::ExitCodes::RequiredError) || kind == static_cast<int>(CLI::ExitCodes::ExtrasError);
  std::string message = error.what();
  if (is_group && no_command && (extras.empty() || !extras.front().starts_with('-')))
    message = extras.empty() ? "a command is missing" : "unknown command '" + extras.front() + "'";
  complain(message + "; see '" + path + " --help'");
  return kExitUsage;
}

int finish(Status outcome) {
  stop_logging();
  if (std::fflush(stdout) != 0 && outcome.ok())
    outcome = io_error(std::string("cannot write to standard output: ") + std::strerror(errno));
  if (!outcome.ok()) complain(outcome.message());
  return exit_code(outcome);
}

int run(int argc, char** argv) {
  CLI::App app{"lathe, a transformer engine for the machines people own", "lathe"};
  app.set_version_flag("--version", "lathe " LATHE_VERSION);
  app.require_subcommand(0, 1);
  app.fallthrough();  // `lathe inspect machine --log-level debug` as well as `lathe --log-level debug inspect machine`
  std::string log_level{kDefaultLogLevel};
  app.add_option("--log-level", log_level, "What to log on stderr: trace, debug, info, warn, error or off")
      ->envname("LATHE_LOG_LEVEL")
      ->capture_default_str();
  Command chosen;
  add_inspect(app, chosen);
  add_probe(app, chosen);
  add_explain(app, chosen);
  add_generate(app, chosen);
  add_chat(app, chosen);
  add_perplexity(app, chosen);
  add_embed(app, chosen);
  add_index(app, chosen);
  add_search(app, chosen);
  add_bench(app, chosen);
  add_tokenize(app, chosen);
  add_data(app, chosen);
  add_tokenizer(app, chosen);
  add_train(app, chosen);
  add_report(app, chosen);
  add_export(app, chosen);
  add_pull(app, chosen);
  add_quantize(app, chosen);
  add_convert(app, chosen);
  add_verify(app, chosen);
  add_cache(app, chosen);
  app.footer(kFooter);  // last: a subcommand inherits the footer that it finds

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    app.exit(asked);
    return finish({});
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  if (!chosen) {
    std::fputs(app.help().c_str(), stderr);
    return kExitUsage;
  }
  const Status logging = start_logging(log_level);
  return finish(logging.ok() ? chosen() : logging);
}

}  // namespace
}  // namespace lathe::cli

int main(int argc, char** argv) {
  // Dying of SIGPIPE is the quiet end of `lathe ... | head`; a parent may have left the signal ignored.
  std::signal(SIGPIPE, SIG_DFL);
  try {
    return lathe::cli::run(argc, argv);
  } catch (const std::exception& error) {  // out of memory, a full disk under fmt::print
    return lathe::cli::finish(lathe::failed(error.what()));
  }
}
