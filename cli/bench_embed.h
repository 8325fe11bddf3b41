// The subcommand `lathe bench embed`.
#pragma once

#include "commands.h"

namespace lathe::cli {

void add_bench_embed(CLI::App& bench, Command& chosen);

}  // namespace lathe::cli
