#include "probe/summary.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "tune/problem_text.h"

namespace lathe::probe {
namespace {

constexpr size_t kSweepPoints = 16;  // fewer values of M are a handful of shapes, not a sweep

bool timed(const Row& row) { return row.disposition == Disposition::passed && row.timing.median_ms > 0; }
bool eligible(const Row& row) { return timed(row) && !row.above_ceiling; }

void keep_faster(const Row*& best, const Row& row) {
  if (!best || row.timing.median_ms < best->timing.median_ms) best = &row;
}

ShapeSummary summarize_shape(const Shape& shape, std::vector<const Row*> rows) {
  ShapeSummary s;
  s.shape = &shape;
  s.rows = std::move(rows);
  for (const Row* row : s.rows) {
    if (!eligible(*row)) continue;
    keep_faster(ours(*row) ? s.best : s.peer, *row);
    if (row->chosen) s.chosen = row;
  }
  if (s.peer && s.best) s.ratio = s.peer->timing.median_ms / s.best->timing.median_ms;
  if (s.peer && s.chosen) s.chosen_ratio = s.peer->timing.median_ms / s.chosen->timing.median_ms;
  return s;
}

// Sum of logarithms and how many there were.
struct Mean {
  double logs = 0;
  int64_t count = 0;
  void add(double ratio) {
    if (ratio <= 0) return;
    logs += std::log(ratio);
    ++count;
  }
  double value() const { return count ? std::exp(logs / static_cast<double>(count)) : 0; }
};

void find_drop(SweepSeries& s) {
  double best = 0;
  int64_t best_m = 0;
  for (const auto& [m, gflops] : s.points) {
    if (m < kSweepFrom) continue;
    if (best > 0 && 1 - gflops / best > s.drop) {
      s.drop = 1 - gflops / best;
      s.drop_m = m;
      s.drop_from = best_m;
    }
    if (gflops > best) {
      best = gflops;
      best_m = m;
    }
  }
}

// Rows of one shape by contender: ours under one name, each provider under its own with its fastest routine.
std::map<std::string, const Row*> fastest_by_name(const ShapeSummary& s) {
  std::map<std::string, const Row*> by_name;
  if (const Row* mine = s.chosen ? s.chosen : s.best) by_name["lathe"] = mine;
  for (const Row* row : s.rows)
    if (!ours(*row) && eligible(*row)) keep_faster(by_name[row->provider], *row);
  return by_name;
}

Sweep make_sweep(const std::string& group, std::vector<const ShapeSummary*> shapes) {
  std::sort(shapes.begin(), shapes.end(),
            [](const auto* x, const auto* y) { return x->shape->problem.m < y->shape->problem.m; });
  Sweep sweep{group, shapes.front()->shape->problem, {}};
  std::map<std::string, SweepSeries> series;
  for (const ShapeSummary* s : shapes)
    for (const auto& [name, row] : fastest_by_name(*s))
      series[name].points.emplace_back(s->shape->problem.m, row->gflops);
  for (auto& [name, one] : series) {
    one.name = name;
    find_drop(one);
    sweep.series.push_back(std::move(one));
  }
  std::stable_partition(sweep.series.begin(), sweep.series.end(), [](const auto& s) { return s.name == "lathe"; });
  return sweep;
}

// Shapes of a group that differ in m alone.
void find_sweeps(const GroupSummary& group, std::vector<Sweep>& out) {
  std::map<std::string, std::vector<const ShapeSummary*>> by_problem;
  for (const ShapeSummary& s : group.shapes) {
    matmul::Problem p = s.shape->problem;
    p.m = 1;
    by_problem[tune::problem_text(p)].push_back(&s);
  }
  for (auto& [unused, shapes] : by_problem)
    if (shapes.size() >= kSweepPoints) out.push_back(make_sweep(group.name, std::move(shapes)));
}

void find_gaps(const Report& report, std::vector<Gap>& out) {
  std::map<std::pair<std::string, std::string>, size_t> index;
  for (const Row& row : report.rows) {
    if (row.disposition != Disposition::not_supported) continue;
    const std::string who = contender(row);
    const auto [it, inserted] = index.try_emplace({who, row.reason}, out.size());
    if (inserted) out.push_back({who, row.reason, 0, report.shapes[static_cast<size_t>(row.shape)].name});
    ++out[it->second].shapes;
  }
}

GroupSummary& group_named(std::vector<GroupSummary>& groups, const std::string& name) {
  for (GroupSummary& g : groups)
    if (g.name == name) return g;
  return groups.emplace_back(GroupSummary{name, {}, 0, 0, 0, 0});
}

}  // namespace

Summary summarize(const Report& report) {
  Summary summary;
  std::vector<std::vector<const Row*>> rows(report.shapes.size());
  for (const Row& row : report.rows) {
    rows[static_cast<size_t>(row.shape)].push_back(&row);
    summary.incorrect += row.disposition == Disposition::incorrect;
    summary.failed += row.disposition == Disposition::failed;
    summary.above_ceiling += row.above_ceiling;
  }
  for (size_t i = 0; i < report.shapes.size(); ++i)
    group_named(summary.groups, report.shapes[i].group)
        .shapes.push_back(summarize_shape(report.shapes[i], std::move(rows[i])));
  Mean all, all_chosen;
  for (GroupSummary& group : summary.groups) {
    Mean mean, mean_chosen;
    for (const ShapeSummary& s : group.shapes) {
      mean.add(s.ratio);
      all.add(s.ratio);
      mean_chosen.add(s.chosen_ratio);
      all_chosen.add(s.chosen_ratio);
      group.won += s.ratio >= 1;
      if (!s.best) summary.untaken.push_back(s.shape->name);
    }
    group.geomean = mean.value();
    group.chosen_geomean = mean_chosen.value();
    group.compared = mean.count;
    summary.won += group.won;
    find_sweeps(group, summary.sweeps);
  }
  summary.geomean = all.value();
  summary.chosen_geomean = all_chosen.value();
  summary.compared = all.count;
  find_gaps(report, summary.gaps);
  return summary;
}

}  // namespace lathe::probe
