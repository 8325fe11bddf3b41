#include "probe/plan_update.h"

#include <algorithm>

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
  if (const tune::PlanEntry* old = plan.find(shape.problem, threads))
    for (const tune::PlanMeasurement& m : old->measured)
      if (std::none_of(entry.measured.begin(), entry.measured.end(),
                       [&](const auto& x) { return x.variant == m.variant; }))
        entry.measured.push_back(m);
  const tune::Candidate* best = usual_measured ? tune::select(candidates, **fallback) : nullptr;
  if (!best) return false;
  entry.variant = best->variant;
  entry.ms = best->ms;
  entry.share = best->share;
  return plan.add(std::move(entry)).ok();
}

void add_once(std::vector<std::string>& names, const char* name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

}  // namespace

NewRows find_new_rows(const std::vector<Shape>& shapes, int threads, const tune::Plan& plan) {
  NewRows found;
  for (const Shape& shape : shapes) {
    const auto usual = ops::choose_variant(shape.problem, plan.scope().features);
    if (!usual) continue;
    bool any = false;
    for (const matmul::Variant* v : plan.unmeasured(shape.problem, threads)) {
      if (v->isa == Isa::scalar && (*usual)->isa != Isa::scalar) continue;
      add_once(found.variants, v->name);
      any = true;
    }
    if (!any) continue;
    found.shapes.push_back(shape);
    add_once(found.variants, (*usual)->name);
    if (const matmul::Variant* planned = plan.lookup(shape.problem, threads)) add_once(found.variants, planned->name);
  }
  return found;
}

PlanUpdate update_plan(const Report& report, tune::Plan& plan) {
  PlanUpdate update;
  const auto rows = our_rows(report);
  for (size_t i = 0; i < report.shapes.size(); ++i)
    ++(update_entry(report.shapes[i], rows[i], report.ceilings.threads, plan) ? update.entered : update.skipped);
  return update;
}

}  // namespace lathe::probe
