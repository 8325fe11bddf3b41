// What a report says once its rows are held against each other: who was best per shape, ratios, the sweep over M,
// and what no variant of ours could take. Table, JSON and page show the same figures because they are made here.
#pragma once

#include <string>
#include <vector>

#include "probe/probe.h"

namespace lathe::probe {

// One shape and its rows; nullptr where there is none. Rows above their ceiling are never best.
struct ShapeSummary {
  const Shape* shape = nullptr;
  std::vector<const Row*> rows;
  const Row* best = nullptr;    // fastest of ours that passed
  const Row* chosen = nullptr;  // what dispatch runs, if it passed
  const Row* peer = nullptr;    // fastest of the others
  double ratio = 0;             // peer's time / best's time: above 1, ours is faster; 0 where one is missing
  double chosen_ratio = 0;      // peer's time / chosen's time
};

struct GroupSummary {
  std::string name;
  std::vector<ShapeSummary> shapes;
  double geomean = 0, chosen_geomean = 0;  // over the shapes that have a ratio; 0 where none has
  int64_t compared = 0, won = 0;           // shapes with a ratio, and with best at least as fast as every peer
};

// GFLOP/s over M of one contender at otherwise equal problems.
struct SweepSeries {
  std::string name;                                // "lathe" (what dispatch runs, else the best of ours), or a provider
  std::vector<std::pair<int64_t, double>> points;  // (m, GFLOP/s), m ascending
  // The largest loss at one M against the best seen at any smaller M from kSweepFrom up.
  double drop = 0;  // 0.1: 10 % slower
  int64_t drop_m = 0, drop_from = 0;
};
constexpr int64_t kSweepFrom = 6;  // below, the product is bound by reading W and climbs with every row

struct Sweep {
  std::string group;
  matmul::Problem problem;  // m of the first point
  std::vector<SweepSeries> series;
};

// Something of ours that takes some shapes of the report and refuses others, or shapes nothing of ours took.
struct Gap {
  std::string who;     // variant, or provider
  std::string reason;  // its sentence
  int64_t shapes = 0;  // how many shapes it refused with this sentence
  std::string example;
};

struct Summary {
  std::vector<GroupSummary> groups;  // in the order of the report
  double geomean = 0, chosen_geomean = 0;
  int64_t compared = 0, won = 0;
  std::vector<Sweep> sweeps;
  std::vector<Gap> gaps;             // refusals of variants and providers
  std::vector<std::string> untaken;  // names of shapes that nothing of ours took
  int64_t incorrect = 0, failed = 0, above_ceiling = 0;
};

// The summary points into `report`.
Summary summarize(const Report& report);

inline bool ours(const Row& row) { return row.provider == "lathe"; }
// "avx2.f32.f32.tile", "openblas sgemm".
inline std::string contender(const Row& row) { return ours(row) ? row.variant : row.provider + " " + row.variant; }

}  // namespace lathe::probe
