// The subcommand `lathe bench train`.
#pragma once

#include "commands.h"

namespace lathe::cli {

void add_bench_train(CLI::App& bench, Command& chosen);

}  // namespace lathe::cli
