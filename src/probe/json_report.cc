#include "probe/json_report.h"

#include <nlohmann/json.hpp>

#include "probe/summary.h"
#include "tune/problem_text.h"

namespace lathe::probe {
namespace {

using Json = nlohmann::ordered_json;

Json machine_json(const Report& report, const Context& x) {
  const Ceilings& c = report.ceilings;
  Json providers = Json::object();
  for (const auto& [name, version] : x.providers) providers[name] = version;
  return {{"cpu", x.cpu},
          {"signature", x.signature},
          {"isa", x.features},
          {"kernel", x.kernel},
          {"threads", c.threads},
          {"threads_reason", x.threads_reason},
          {"ceilings",
           {{"fma_gflops", c.fma_gflops},
            {"int_gops", c.int_gops},
            {"byte_gops", c.byte_gops},
            {"bf16_gflops", c.bf16_gflops},
            {"read_gbps", c.read_gbps},
            {"fma_gflops_one", c.fma_gflops_one},
            {"int_gops_one", c.int_gops_one},
            {"byte_gops_one", c.byte_gops_one},
            {"bf16_gflops_one", c.bf16_gflops_one},
            {"read_gbps_one", c.read_gbps_one},
            {"fma_spread", c.fma_spread},
            {"int_spread", c.int_spread},
            {"byte_spread", c.byte_spread},
            {"bf16_spread", c.bf16_spread},
            {"read_spread", c.read_spread}}},
          {"barrier_ns", c.barrier_ns},
          {"empty_program_ns", c.empty_program_ns},
          {"compiler", x.compiler},
          {"flags", x.flags},
          {"lathe_version", x.version},
          {"build_id", x.build_id},
          {"date", report.date},
          {"load", {{"before", report.load_before}, {"after", report.load_after}}},
          {"operands", report.hot ? "hot" : "cold"},
          {"providers", std::move(providers)}};
}

// What a row says of its figures, only where it passed.
void add_figures(const Row& r, Json& json) {
  const Timing& t = r.timing;
  json["error"] = {{"max_rel", r.max_rel}, {"nmse", r.nmse}};
  json["ms"] = {{"median", t.median_ms}, {"p95", t.p95_ms},      {"min", t.min_ms},
                {"spread", t.spread},    {"samples", t.samples}, {"settled", t.settled}};
  json["cpu_ms"] = {{"median", t.cpu_median_ms}};
  json["gflops"] = r.gflops;
  json["gbps"] = r.gbps;
  json["ceiling"] = r.ceiling;
  json["share"] = r.share;
  json["above_ceiling"] = r.above_ceiling;
}

Json row_json(const Report& report, const Row& r) {
  const Shape& s = report.shapes[static_cast<size_t>(r.shape)];
  const matmul::Problem& p = s.problem;
  Json json = {{"op", "matmul"},
               {"shape", s.name},
               {"group", s.group},
               {"from", s.source},
               {"m", p.m},
               {"n", p.n},
               {"k", p.k},
               {"batch", p.batch},
               {"layout", tune::layout_text(p)},
               {"types", tune::types_text(p)},
               {"epilogue", tune::epilogue_text(p)},
               {"prepared", p.prepared},
               {"count", s.count},
               {"variant", r.variant},
               {"provider", r.provider},
               {"disposition", disposition_name(r.disposition)},
               {"reason", r.reason}};
  if (r.disposition == Disposition::passed) add_figures(r, json);
  if (r.disposition == Disposition::incorrect) json["error"] = {{"max_rel", r.max_rel}, {"nmse", r.nmse}};
  json["chosen"] = r.chosen;
  json["best_of_ours"] = r.best_of_ours;
  json["best_overall"] = r.best_overall;
  return json;
}

Json sweep_json(const Sweep& sweep) {
  Json series = Json::array();
  for (const SweepSeries& s : sweep.series) {
    Json points = Json::array();
    for (const auto& [m, gflops] : s.points) points.push_back({m, gflops});
    series.push_back({{"name", s.name},
                      {"largest_drop", s.drop},
                      {"drop_m", s.drop_m},
                      {"drop_from", s.drop_from},
                      {"points", std::move(points)}});
  }
  return {{"group", sweep.group},
          {"n", sweep.problem.n},
          {"k", sweep.problem.k},
          {"types", tune::types_text(sweep.problem)},
          {"series", std::move(series)}};
}

Json summary_json(const Report& report) {
  const Summary s = summarize(report);
  Json groups = Json::array(), sweeps = Json::array(), gaps = Json::array();
  for (const GroupSummary& g : s.groups)
    groups.push_back({{"name", g.name},
                      {"shapes", g.shapes.size()},
                      {"compared", g.compared},
                      {"won", g.won},
                      {"geomean", g.geomean},
                      {"geomean_dispatched", g.chosen_geomean}});
  for (const Sweep& sweep : s.sweeps) sweeps.push_back(sweep_json(sweep));
  for (const Gap& gap : s.gaps)
    gaps.push_back({{"variant", gap.who}, {"reason", gap.reason}, {"shapes", gap.shapes}, {"example", gap.example}});
  return {{"shapes", report.shapes.size()},
          {"compared", s.compared},
          {"won", s.won},
          {"geomean", s.geomean},
          {"geomean_dispatched", s.chosen_geomean},
          {"incorrect", s.incorrect},
          {"failed", s.failed},
          {"above_ceiling", s.above_ceiling},
          {"groups", std::move(groups)},
          {"sweeps", std::move(sweeps)},
          {"not_supported", std::move(gaps)},
          {"untaken", s.untaken}};
}

}  // namespace

Json report_document(const Report& report, const Context& context) {
  Json rows = Json::array();
  for (const Row& row : report.rows) rows.push_back(row_json(report, row));
  return {{"format", "lathe-probe"},
          {"version", 1},
          {"machine", machine_json(report, context)},
          {"notes", report.notes},
          {"summary", summary_json(report)},
          {"rows", std::move(rows)}};
}

std::string render_json(const Report& report, const Context& context, int indent) {
  return report_document(report, context).dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lathe::probe
