// lathe inspect model
#pragma once

#include "commands.h"

namespace lathe::cli {

void add_inspect_model(CLI::App& inspect, Command& chosen);

}  // namespace lathe::cli
