// The probe: runs (shape x contender), each verified before it is timed, contenders interleaved in one process.
// It stays neutral: it measures and reports. Selection (tune/plan.h) is made from its report.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/matmul/matmul.h"
#include "lathe/status.h"

namespace lathe::probe {

// Variants of the scalar instruction set are the definition of the others, up to a hundred times slower: where another
// variant takes the shape they are not_verified, unless `isa` or `variants` asks for them.

// One line of a shapes file.
struct Shape {
  std::string name;  // "arctic-l qkv S=17"
  matmul::Problem problem;
  int64_t count = 1;   // how often a forward pass runs it, for weighting
  std::string source;  // where it comes from
  std::string group;   // "arctic-embed-l-v2.0", "sweep", ...: what a report lists together
};

// The closed vocabulary of outcomes.
enum class Disposition { passed, incorrect, not_supported, failed, not_verified };
std::string_view disposition_name(Disposition disposition);

struct Timing {
  double median_ms = 0, p95_ms = 0, min_ms = 0;
  double spread = 0;  // (p75 - p25) / median
  double cpu_median_ms = 0;
  int64_t samples = 0;
  bool settled = true;  // two successive medians agreed before counting began; false: a short or disturbed run
};

struct Row {
  int64_t shape = 0;     // index into Report::shapes
  std::string variant;   // a Variant's name, or the provider's routine
  std::string provider;  // "lathe", "openblas", "blis", "onednn", ...
  Disposition disposition = Disposition::not_verified;
  std::string reason;  // of not_supported, failed, incorrect; of a provider that passed: what it left out
  double max_rel = 0, nmse = 0;
  Timing timing;  // only where passed (or, asked for without verification, not_verified)
  double gflops = 0, gbps = 0;
  std::string ceiling;         // which one binds: "fma", "int", "byte", "bf16" or "read"
  double share = 0;            // of that ceiling
  bool above_ceiling = false;  // share > 1: a fault of the measurement, never crowned
  bool chosen = false;         // what dispatch would run for this shape now
  bool best_of_ours = false, best_overall = false;
};

struct Ceilings {
  int threads = 1;
  double fma_gflops = 0, read_gbps = 0, int_gops = 0, byte_gops = 0, bf16_gflops = 0;  // with `threads`
  double fma_gflops_one = 0, read_gbps_one = 0, int_gops_one = 0, byte_gops_one = 0, bf16_gflops_one = 0;  // with one
  double barrier_ns = 0, empty_program_ns = 0;                                                             // the team's
  double fma_spread = 0, read_spread = 0, int_spread = 0, byte_spread = 0,
         bf16_spread = 0;  // how far the median trial lay below the best
};

struct Report {
  std::vector<Shape> shapes;
  std::vector<Row> rows;  // by shape, then in the order of the table, then providers
  Ceilings ceilings;
  bool hot = false;
  double load_before = 0, load_after = 0;  // 1-minute load averages
  std::string date;                        // ISO 8601, UTC
  std::vector<std::string> notes;          // what a reader must know, such as operands that could not be made cold
};

struct Options {
  int threads = 0;                     // 0: recommended
  std::vector<std::string> variants;   // names or globs; empty: all that accept the shape
  std::vector<std::string> providers;  // empty: all installed; "none": no peers
  std::string isa;                     // only variants of this instruction set
  bool hot = false;                    // operands stay in the caches
  bool bitwise = false;                // run everything twice and compare bits
  bool verify = true;
  double seconds = 0.3;  // per contender and shape, and at least `samples`
  int samples = 20;
  uint64_t seed = 1;
  // What dispatch would run where it has a plan: Row::chosen. Not set, or nullptr: the regimes choose.
  std::function<const matmul::Variant*(const matmul::Problem&, int threads)> plan;
};

// `progress(done, total, shape name)` is called between shapes, outside every timed region.
Result<Report> run_probe(const std::vector<Shape>& shapes, const Options& options,
                         const std::function<void(int64_t, int64_t, std::string_view)>& progress);

}  // namespace lathe::probe
