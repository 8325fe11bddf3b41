// Where and with what a report was made, as its header prints it.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace lathe::probe {

struct Context {
  std::string cpu, signature;     // for people; for keys
  std::string features;           // "avx2 fma f16c"
  std::string kernel;             // the operating system's
  std::string threads_reason;     // why so many threads are recommended
  std::string version, build_id;  // of lathe
  std::string compiler, flags;
  std::vector<std::pair<std::string, std::string>> providers;  // "openblas", "OpenBLAS 0.3.21"
};

}  // namespace lathe::probe
