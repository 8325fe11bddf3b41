// lathe inspect: what the engine knows about this machine.
#include <fmt/core.h>

#include "commands.h"
#include "platform/cpu.h"

namespace lathe::cli {
namespace {

Status inspect_machine() {
  fmt::print("features  {}\n", feature_names(cpu_features()));
  return {};
}

}  // namespace

void add_inspect(CLI::App& lathe, Command& chosen) {
  CLI::App* inspect = lathe.add_subcommand("inspect", "Show what lathe knows about this machine");
  inspect->require_subcommand(1);
  CLI::App* machine = inspect->add_subcommand("machine", "CPU, caches, memory, limits, and the thread count they give");
  machine->callback([&chosen] { chosen = inspect_machine; });
}

}  // namespace lathe::cli
