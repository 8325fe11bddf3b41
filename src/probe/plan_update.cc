#include "probe/plan_update.h"

#include "ops/matmul.h"
#include "tune/select.h"

namespace lathe::probe {
namespace {

std::vector<std::vector<const Row*>> our_rows(const Report& report) {
  std::vector<std::vector<const Row*>> rows(report.shapes.size());
  for (const Row& row : report.rows)
    if (row.provider == "lathe") rows[static_cast<size_t>(row.shape)].push_back(&row);
  return rows;
}

tune::Candidate candidate(const Row& row, tune::Table table) {
  tune::Candidate c;
  for (const matmul::Variant* variant : table)
    if (row.variant == variant->name) c.variant = variant;
  c.passed = row.disposition == Disposition::passed;
  c.above_ceiling = row.above_ceiling;
  c.ms = row.timing.median_ms;
  c.share = row.share;
  return c;
}

bool update_entry(const Shape& shape, const std::vector<const Row*>& rows, int threads, tune::Plan& plan) {
  const auto fallback = ops::choose_variant(shape.problem, plan.scope().features);
  if (!fallback) return false;
  std::vector<tune::Candidate> candidates;
  bool usual_measured = false;
  tune::PlanEntry entry{shape.problem, threads, nullptr, 0, 0, {}};
  for (const Row* row : rows) {
    const tune::Candidate c = candidate(*row, plan.scope().table);
    if (!c.variant || !c.passed) continue;
    candidates.push_back(c);
    usual_measured |= c.variant == *fallback;
    entry.measured.push_back({row->variant, tune::row_fingerprint(*c.variant), c.ms, c.share});
  }
  const tune::Candidate* best = usual_measured ? tune::select(candidates, **fallback) : nullptr;
  if (!best) return false;
  entry.variant = best->variant;
  entry.ms = best->ms;
  entry.share = best->share;
  return plan.add(std::move(entry)).ok();
}

}  // namespace

PlanUpdate update_plan(const Report& report, tune::Plan& plan) {
  PlanUpdate update;
  const auto rows = our_rows(report);
  for (size_t i = 0; i < report.shapes.size(); ++i)
    ++(update_entry(report.shapes[i], rows[i], report.ceilings.threads, plan) ? update.entered : update.skipped);
  return update;
}

}  // namespace lathe::probe
