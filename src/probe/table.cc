#include "probe/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "probe/columns.h"
#include "probe/summary.h"
#include "tune/problem_text.h"

namespace lathe::probe {
namespace {

constexpr size_t kNameWidth = 32;  // longer names of a shapes file are cut, the JSON has them whole

std::string cut(const std::string& text, size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 2) + "..";
}

std::string milliseconds(double ms) {
  return fmt::format("{:.{}f}", ms, ms >= 100 ? 0 : ms >= 10 ? 2 : ms >= 1 ? 3 : 4);
}
std::string rate(double giga) { return fmt::format("{:.1f}", giga); }
std::string times(double ratio) { return ratio > 0 ? fmt::format("{:.2f}x", ratio) : "-"; }

std::string header(const Report& report, const Context& context) {
  const Ceilings& c = report.ceilings;
  Columns lines("ll");
  lines.add({"machine", fmt::format("{}, {}", context.cpu, context.features)});
  lines.add({"threads", fmt::format("{} ({})", c.threads, context.threads_reason)});
  lines.add({"ceilings",
             fmt::format("fma {:.1f} GFLOP/s, int {:.1f} Gop/s, byte {:.1f} Gop/s, bf16 {:.1f} GFLOP/s, read {:.1f} "
                         "GB/s; one thread {:.1f}, {:.1f}, {:.1f}, {:.1f}, {:.1f}",
                         c.fma_gflops, c.int_gops, c.byte_gops, c.bf16_gflops, c.read_gbps, c.fma_gflops_one,
                         c.int_gops_one, c.byte_gops_one, c.bf16_gflops_one, c.read_gbps_one)});
  lines.add({"team", fmt::format("barrier {:.0f} ns, empty program {:.0f} ns", c.barrier_ns, c.empty_program_ns)});
  lines.add({"load", fmt::format("{:.2f} before, {:.2f} after", report.load_before, report.load_after)});
  std::string peers;
  for (const auto& [name, version] : context.providers) peers += (peers.empty() ? "" : ", ") + version;
  lines.add({"peers", peers.empty() ? "none" : peers});
  lines.add({"operands",
             report.hot ? "hot: they stay in the caches" : "cold: they rotate through more than the caches hold"});
  lines.add({"build", fmt::format("lathe {} {}, {}", context.version, context.build_id, context.compiler)});
  lines.add({"date", report.date});
  return lines.text("");
}

std::string best_of_ours_reason(const ShapeSummary& s) {
  for (const Row* row : s.rows)
    if (ours(*row) && row->disposition != Disposition::not_supported && row->disposition != Disposition::passed)
      return std::string(disposition_name(row->disposition));
  return "not_supported";
}

// How much slower what dispatch runs is than the best: "=" where it is the best.
std::string dispatched(const ShapeSummary& s) {
  if (!s.chosen || !s.best) return "-";
  if (s.chosen == s.best) return "=";
  return fmt::format("{} +{:.0f}%", s.chosen->variant,
                     100 * (s.chosen->timing.median_ms / s.best->timing.median_ms - 1));
}

std::vector<std::string> line(const ShapeSummary& s) {
  const matmul::Problem& p = s.shape->problem;
  std::vector<std::string> cells = {cut(s.shape->name, kNameWidth),
                                    std::to_string(p.m),
                                    std::to_string(p.n),
                                    std::to_string(p.k),
                                    p.batch == 1 ? "" : fmt::format("x{}", p.batch),
                                    tune::types_text(p),
                                    std::string(tune::layout_text(p))};
  const auto add = [&](std::vector<std::string> more) { cells.insert(cells.end(), more.begin(), more.end()); };
  if (s.best)
    add({s.best->variant, milliseconds(s.best->timing.median_ms), rate(s.best->gflops),
         fmt::format("{:.0f}%", 100 * s.best->share), s.best->ceiling});
  else
    add({best_of_ours_reason(s), "-", "-", "-", ""});
  if (s.peer)
    add({contender(*s.peer), rate(s.peer->gflops), times(s.ratio)});
  else
    add({"-", "-", "-"});
  add({dispatched(s)});
  return cells;
}

std::string group_text(const GroupSummary& group) {
  Columns lines("lrrrrlllrrrllrrl");
  lines.add({"shape", "M", "N", "K", "", "types", "W", "best of ours", "ms", "GFLOP/s", "share", "of", "best peer",
             "GFLOP/s", "ratio", "dispatch"});
  for (const ShapeSummary& s : group.shapes) lines.add(line(s));
  std::string text = group.name + "\n" + lines.text("  ");
  if (group.compared > 0)
    text += fmt::format("  geometric mean {} against the best peer over {} shapes, {} won; as dispatched {}\n",
                        times(group.geomean), group.compared, group.won, times(group.chosen_geomean));
  return text + "\n";
}

std::string sweep_text(const Sweep& sweep) {
  std::string text =
      fmt::format("sweep of M, {} x {} {} ({}): the largest loss against any smaller M from {} up\n", sweep.problem.n,
                  sweep.problem.k, tune::types_text(sweep.problem), sweep.group, kSweepFrom);
  Columns lines("lrl");
  for (const SweepSeries& s : sweep.series)
    lines.add({s.name, fmt::format("{:.1f}%", 100 * s.drop),
               s.drop > 0 ? fmt::format("at M={}, against M={}", s.drop_m, s.drop_from) : "no loss"});
  return text + lines.text("  ") + "\n";
}

// One line per sentence: the variants that say it of as many shapes stand together.
std::string gaps_text(const Summary& summary) {
  std::string text;
  for (const std::string& name : summary.untaken) text += fmt::format("  nothing of ours took {}\n", name);
  std::vector<std::pair<std::pair<std::string, int64_t>, std::string>> lines;  // (sentence, shapes), who says it
  for (const Gap& gap : summary.gaps) {
    const auto same = std::find_if(lines.begin(), lines.end(),
                                   [&](const auto& l) { return l.first == std::pair(gap.reason, gap.shapes); });
    if (same == lines.end())
      lines.push_back({{gap.reason, gap.shapes}, gap.who});
    else
      same->second += ", " + gap.who;
  }
  for (const auto& [what, who] : lines)
    text += fmt::format("  {} {}: {}\n    {}\n", what.second, what.second == 1 ? "shape" : "shapes", what.first, who);
  return text.empty() ? "" : "not supported\n" + text + "\n";
}

// What went wrong, row by row: these are never counted as slow.
std::string faults_text(const Report& report) {
  Columns lines("llll");
  for (const Row& row : report.rows) {
    const bool fault = row.disposition == Disposition::incorrect || row.disposition == Disposition::failed;
    if (!fault && !row.above_ceiling) continue;
    const std::string word = fault ? std::string(disposition_name(row.disposition)) : "above its ceiling";
    const std::string reason =
        fault ? row.reason : fmt::format("{:.2f} of {}: a fault of the measurement", row.share, row.ceiling);
    lines.add({word, contender(row), report.shapes[static_cast<size_t>(row.shape)].name, reason});
  }
  const std::string text = lines.text("  ");
  return text.empty() ? "" : "faults\n" + text + "\n";
}

std::string notes_text(const Report& report) {
  std::string text;
  for (const std::string& note : report.notes) text += "note: " + note + "\n";
  return text.empty() ? "" : text + "\n";
}

}  // namespace

std::string render_table(const Report& report, const Context& context) {
  const Summary summary = summarize(report);
  std::string text = header(report, context) + "\n";
  for (const GroupSummary& group : summary.groups) text += group_text(group);
  for (const Sweep& sweep : summary.sweeps) text += sweep_text(sweep);
  text += gaps_text(summary) + faults_text(report) + notes_text(report);
  if (summary.compared > 0)
    text += fmt::format("overall: geometric mean {} against the best peer over {} shapes, {} won; as dispatched {}\n",
                        times(summary.geomean), summary.compared, summary.won, times(summary.chosen_geomean));
  else
    text += fmt::format("overall: {} shapes, none compared with a peer\n", report.shapes.size());
  return text;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string csv_header() {
  return "group,shape,m,n,k,batch,layout,types,prepared,epilogue,provider,variant,disposition,reason,max_rel,nmse,"
         "median_ms,p95_ms,min_ms,spread,cpu_median_ms,samples,gflops,gbps,ceiling,share,above_ceiling,chosen";
}

std::string csv_row(const Report& report, const Row& r) {
  const Shape& s = report.shapes[static_cast<size_t>(r.shape)];
  const matmul::Problem& p = s.problem;
  const std::string what =
      fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},", csv_field(s.group), csv_field(s.name), p.m, p.n, p.k,
                  p.batch, tune::layout_text(p), tune::types_text(p), p.prepared ? 1 : 0, tune::epilogue_text(p),
                  csv_field(r.provider), csv_field(r.variant), disposition_name(r.disposition), csv_field(r.reason));
  if (r.disposition != Disposition::passed) return what + fmt::format(",,,,,,,,,,,,,{}", r.chosen ? 1 : 0);
  const Timing& t = r.timing;
  return what + fmt::format("{:.3g},{:.3g},{:.6g},{:.6g},{:.6g},{:.4g},{:.6g},{},{:.5g},{:.5g},{},{:.4f},{},{}",
                            r.max_rel, r.nmse, t.median_ms, t.p95_ms, t.min_ms, t.spread, t.cpu_median_ms, t.samples,
                            r.gflops, r.gbps, r.ceiling, r.share, r.above_ceiling ? 1 : 0, r.chosen ? 1 : 0);
}

std::string render_csv(const Report& report) {
  std::string text = csv_header() + "\n";
  for (const Row& row : report.rows) text += csv_row(report, row) + "\n";
  return text;
}

}  // namespace lathe::probe
