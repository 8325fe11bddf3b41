// How soon a prompt is left that somebody cancels.
#pragma once

#include <cstdint>

#include "run/generator.h"

namespace lathe::run {

struct CancelReport {
  int64_t prompt = 0;                  // tokens
  double run_ms = 0;                   // of the prompt, where nobody cancels it
  int64_t tries = 0;                   // that came before the prompt's end
  double median_ms = 0, worst_ms = 0;  // from cancel(), on another thread, until step() has told the session's end
};

// A prompt is cancelled `tries` times, at moments spread over it.
Result<CancelReport> time_cancel(Generator& generator, int64_t prompt, int64_t tries);

}  // namespace lathe::run
