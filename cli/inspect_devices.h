// lathe inspect devices
#pragma once

#include "commands.h"

namespace lathe::cli {

void add_inspect_devices(CLI::App& inspect, Command& chosen);

}  // namespace lathe::cli
