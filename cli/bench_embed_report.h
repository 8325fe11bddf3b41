// What `lathe bench embed` prints.
#pragma once

#include <string>
#include <vector>

#include "bench_head.h"
#include "run/embed_scenarios.h"

namespace lathe::cli {

struct EmbedReport : BenchHead {
  int64_t dim = 0;
  std::vector<run::ScenarioReport> scenarios;
};

std::string report_text(const EmbedReport& report);
std::string report_json(const EmbedReport& report);

}  // namespace lathe::cli
