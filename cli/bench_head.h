// What the benchmarks of whole models have in common: under which conditions they ran, and the parts of their reports.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kernels/matmul/matmul.h"
#include "platform/team.h"
#include "run/dispatch_sweep.h"
#include "run/profiled_calls.h"
#include "run/soak_report.h"
#include "run/time_calls.h"
#include "start_time.h"
#include "tune/ceilings.h"

namespace lathe::cli {

struct BenchHead {
  std::string model, dtype, dispatch = "model", date;
  int threads = 1;
  double load = 0;  // average over a minute, before
  double open_ms = 0;
  int64_t idle_bytes = 0, idle_anonymous_bytes = 0, peak_bytes = 0;  // resident: model open and one text done; at most
  std::optional<StartTimes> starts;
  std::optional<tune::Ceilings> ceilings;
  std::string ceiling;  // the one that binds products: multiply-adds of f32, of 16-bit integers or of bytes
  double ceiling_gflops = 0;
  std::vector<std::pair<std::string, run::SweepRow>> sweep;  // of what a pass is
  std::optional<run::SoakReport> soak;

  double share(double gflops) const { return ceiling_gflops > 0 ? gflops / ceiling_gflops : 0; }
};

// What is known before anything ran.
void begin_bench(BenchHead& head);
// What the process holds now, as its idle state, and at its end the most that it held.
void note_idle(BenchHead& head);
void note_peak(BenchHead& head);
// To be called last: the buffer of the ceilings would count as the model's memory. A ceiling is the fastest of its
// trials, so when matters little. `stored` says which multiply-adds bind.
Status add_ceilings(Team& team, matmul::Type stored, BenchHead& head);
// New processes of `command` (a subcommand and what follows), with the model's files dropped from the system's cache
// before the first. To be called first: the pages of files that this process maps could not be dropped.
Status add_starts(const std::string& model, const std::string& hub, const std::vector<std::string>& command,
                  BenchHead& head);

double mib(int64_t bytes);

using TextOut = std::back_insert_iterator<std::string>;
// `first` is what a new process gives first: "vector" or "token".
void print_head(const BenchHead& head, const char* first, TextOut out);
// Time by op, and what is in none; `around` names what stands around the passes.
void print_profile(const run::ProfiledCalls& calls, const char* around, TextOut out);
void print_sweep(const BenchHead& head, TextOut out);
void print_soak(const BenchHead& head, const char* what, TextOut out);

// The fields of the head, from "format" on, in the order of the report; what stands behind the rows comes last.
nlohmann::ordered_json head_json(const BenchHead& head, const char* format);
void add_tail_json(const BenchHead& head, const char* what, nlohmann::ordered_json& json);
// "ops", "around_share" and "unaccounted" of a row.
void add_profile_json(const run::ProfiledCalls& calls, nlohmann::ordered_json& row);
nlohmann::ordered_json quantiles_json(const run::Quantiles& q);

}  // namespace lathe::cli
