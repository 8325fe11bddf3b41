// The subcommand `lathe bench generate`.
#pragma once

#include "commands.h"

namespace lathe::cli {

void add_bench_generate(CLI::App& bench, Command& chosen);

}  // namespace lathe::cli
