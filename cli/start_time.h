// How long a new process takes from its start to its first vector or token.
#pragma once

#include <string>
#include <vector>

#include "lathe/status.h"

namespace lathe::cli {

struct StartTimes {
  double cold_ms = 0;       // the model's files are read from the disk, and nothing is prepared
  double second_ms = 0;     // the files are in the system's cache
  double warm_ms = 0;       // median of the starts after that
  double warm_best_ms = 0;  // the fastest of them
  bool dropped = false;     // the system gave the files' pages back before the cold start, as far as it says
};

// Runs this program with `arguments`, again and again, up to its first line of output, with an empty folder for what it
// keeps on the disk; `files` are what the model consists of. To be called before this process maps them: mapped pages
// stay in memory.
Result<StartTimes> measure_starts(std::vector<std::string> arguments, const std::vector<std::string>& files);

// The regular files below a folder, or the file itself.
std::vector<std::string> files_below(const std::string& path);

}  // namespace lathe::cli
