// What `lathe bench generate` prints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench_head.h"
#include "run/generate_scenarios.h"
#include "run/time_cancel.h"

namespace lathe::cli {

struct GenerateBenchReport : BenchHead {
  std::string kv;                            // how keys and values are kept
  int64_t parameters = 0, weight_bytes = 0;  // in the model's files; of products, as they are kept
  int64_t context = 0, prompt_tokens = 0;    // of prompts, in a pass
  std::vector<run::GenerateReport> tests;
  std::optional<run::CancelReport> cancel;

  // Of the ceiling that binds: of reads, by the weights of answers, or of multiply-adds. 0 where none was measured.
  double share_of(const run::GenerateReport& test) const;
};

std::string report_text(const GenerateBenchReport& report);
std::string report_json(const GenerateBenchReport& report);
// The table alone, a row per test.
std::string report_markdown(const GenerateBenchReport& report);
std::string report_csv(const GenerateBenchReport& report);

}  // namespace lathe::cli
