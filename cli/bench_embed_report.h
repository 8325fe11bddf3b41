// What `lathe bench embed` prints.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "run/dispatch_sweep.h"
#include "run/embed_scenarios.h"
#include "start_time.h"
#include "tune/ceilings.h"

namespace lathe::cli {

struct EmbedReport {
  std::string model, dtype, dispatch, date;
  int threads = 1;
  int64_t dim = 0;
  double load = 0;  // average over a minute, before
  double open_ms = 0;
  int64_t idle_bytes = 0, idle_anonymous_bytes = 0, peak_bytes = 0;  // resident: model open and one text done; at most
  std::optional<StartTimes> starts;
  std::optional<tune::Ceilings> ceilings;
  std::string ceiling;  // the one that binds: "f32 multiply-adds" or "16-bit multiply-adds"
  double ceiling_gflops = 0;

  double share(double gflops) const { return ceiling_gflops > 0 ? gflops / ceiling_gflops : 0; }
  std::vector<run::ScenarioReport> scenarios;
  std::vector<std::pair<std::string, run::SweepRow>> sweep;  // model or toy
  std::optional<run::SoakReport> soak;
};

std::string report_text(const EmbedReport& report);
std::string report_json(const EmbedReport& report);

}  // namespace lathe::cli
