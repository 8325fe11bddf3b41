// Warnings and diagnostics on stderr, written by a thread of their own so that a slow terminal holds up no measurement.
// Commands log with spdlog::warn(...) and its kin.
#pragma once

#include <string_view>

#include "lathe/status.h"

namespace lathe::cli {

constexpr std::string_view kDefaultLogLevel = "warn";

// Logs from `level` on: trace, debug, info, warn, error or off.
Status start_logging(std::string_view level);
// Writes out what is queued. Nothing may be logged afterwards.
void stop_logging();

}  // namespace lathe::cli
