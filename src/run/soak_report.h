// What a process held of the machine's memory early in a long run, and at its end.
#pragma once

#include <cstdint>

namespace lathe::run {

struct SoakReport {
  int64_t done = 0, warm = 0;             // texts or tokens; of which so many before the first look
  int64_t warm_bytes = 0, end_bytes = 0;  // resident
  double seconds = 0;

  double ratio() const {
    return warm_bytes == 0 ? 0 : static_cast<double>(end_bytes) / static_cast<double>(warm_bytes);
  }
};

}  // namespace lathe::run
