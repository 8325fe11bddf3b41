// lathe inspect kernels
#pragma once

#include "commands.h"

namespace lathe::cli {

void add_inspect_kernels(CLI::App& inspect, Command& chosen);

}  // namespace lathe::cli
