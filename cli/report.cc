// lathe report: training runs as one page.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "commands.h"
#include "run/train_report.h"

namespace lathe::cli {
namespace {

struct Options {
  std::vector<std::string> runs;
  std::string output;
};

Status report(const Options& options) {
  const std::string output = options.output.empty() ? options.runs.front() + "/report.html" : options.output;
  const auto page = run::render_train_report(options.runs);
  if (!page) return page.status();
  if (Status status = write_file(output, *page); !status.ok()) return status;
  fmt::print("{}\n", output);
  return {};
}

constexpr const char* kFooter = R"(
Examples:
  lathe report run                    RUN/report.html, to be opened in a browser
  lathe report run1 run2 -o both.html)";

}  // namespace

void add_report(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("report", "Draw training runs as one HTML page, side by side");
  auto options = std::make_shared<Options>();
  command->add_option("RUN", options->runs, "Folders that lathe train wrote")->type_name("RUN")->required();
  command->add_option("-o,--output", options->output, "The page; else report.html in the first run's folder")
      ->type_name("FILE");
  command->footer(kFooter);
  command->callback([options, &chosen] { chosen = [options] { return report(*options); }; });
}

}  // namespace lathe::cli
