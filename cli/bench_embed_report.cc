#include "bench_embed_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "platform/machine.h"

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;
using Out = std::back_insert_iterator<std::string>;

double mib(int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

std::vector<ops::Profile::Entry> by_time(const ops::Profile& profile) {
  std::vector<ops::Profile::Entry> entries(profile.entries().begin(), profile.entries().end());
  std::ranges::sort(entries, [](const auto& a, const auto& b) { return a.ns > b.ns; });
  return entries;
}

void print_head(const EmbedReport& r, Out out) {
  fmt::format_to(out, "{}, {}, {} threads, dispatch per {}, on {}; load {:.1f}\n", r.model, r.dtype, r.threads,
                 r.dispatch, this_machine().cpu, r.load);
  fmt::format_to(out,
                 "opened in {:.0f} ms; resident when idle {:.1f} MiB ({:.1f} of it not from files), at most {:.1f}\n",
                 r.open_ms, mib(r.idle_bytes), mib(r.idle_anonymous_bytes), mib(r.peak_bytes));
  if (r.starts)
    fmt::format_to(out, "process start to first vector: cold {:.0f} ms{}, second {:.0f}, warm {:.1f} (best {:.1f})\n",
                   r.starts->cold_ms, r.starts->dropped ? "" : " (files perhaps still cached)", r.starts->second_ms,
                   r.starts->warm_ms, r.starts->warm_best_ms);
  if (r.ceilings)
    fmt::format_to(out, "ceiling: {:.0f} G/s of {}, {:.0f} GB/s read\n", r.ceiling_gflops, r.ceiling,
                   r.ceilings->read.giga);
}

void print_scenarios(const EmbedReport& r, Out out) {
  fmt::format_to(out, "\n{:<14}{:>8}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10}{:>10}{:>8}{:>8}{:>9}\n", "scenario", "tokens",
                 "P50 ms", "P95", "P99", "CPU P50", "P95", "P99", "texts/s", "tokens/s", "CPU/wt", "ceiling",
                 "products");
  for (const run::ScenarioReport& s : r.scenarios)
    fmt::format_to(out,
                   "{:<14}{:>8.0f}{:>9.3f}{:>9.3f}{:>9.3f}{:>9.3f}{:>9.3f}{:>9.3f}{:>10.0f}{:>10.0f}{:>8.2f}{:>7.0f}%"
                   "{:>8.0f}%\n",
                   s.name, s.tokens_per_call, s.wall_ms.p50, s.wall_ms.p95, s.wall_ms.p99, s.cpu_ms.p50, s.cpu_ms.p95,
                   s.cpu_ms.p99, s.texts_per_s, s.tokens_per_s, s.cpu_share, 100 * r.share(s.gflops),
                   100 * r.share(s.matmul_gflops));
  fmt::format_to(out, "{}",
                 "ms are per text; tokens per call; CPU/wt: CPU time over wall time times threads; ceiling: "
                 "share of it in the whole\ncall, and inside the products.\n");
}

void print_profiles(const EmbedReport& r, Out out) {
  for (const run::ScenarioReport& s : r.scenarios) {
    fmt::format_to(out, "\n{}: ", s.name);
    for (const auto& e : by_time(s.profile)) {
      fmt::format_to(out, "{} {:.1f}%", e.name, 100 * static_cast<double>(e.ns) / s.calls_ns);
      if (e.flops > 0) fmt::format_to(out, " ({:.0f} GFLOP/s)", e.flops / static_cast<double>(e.ns));
      fmt::format_to(out, ", ");
    }
    fmt::format_to(out, "around the passes (tokenizing, handing over) {:.1f}%, unaccounted {:.2f}%",
                   100 * s.around_ns() / s.calls_ns, 100 * s.unaccounted());
  }
  fmt::format_to(out, "\n");
}

void print_sweep(const EmbedReport& r, Out out) {
  fmt::format_to(out, "\n{:<8}{:>7}{:>8}{:>13}{:>13}{:>13}{:>10}{:>10}{:>9}\n", "pass of", "texts", "tokens",
                 "model us", "layer us", "op us", "layer", "op", "CPU/wt");
  for (const auto& [what, row] : r.sweep)
    fmt::format_to(out, "{:<8}{:>7}{:>8}{:>13.1f}{:>13.1f}{:>13.1f}{:>9.3f}x{:>9.3f}x{:>9.2f}\n", what, row.texts,
                   row.tokens, row.wall_ns[0] / 1e3, row.wall_ns[1] / 1e3, row.wall_ns[2] / 1e3, row.layer_ratio(),
                   row.op_ratio(), row.cpu_ns[0] / (row.wall_ns[0] * r.threads));
  fmt::format_to(out, "layer, op: how much longer a pass takes where the team enters per layer or per op.\n");
}

Json quantiles_json(const run::Quantiles& q) { return {{"p50", q.p50}, {"p95", q.p95}, {"p99", q.p99}}; }

Json scenario_json(const EmbedReport& r, const run::ScenarioReport& s) {
  Json ops = Json::array();
  for (const auto& e : by_time(s.profile))
    ops.push_back({{"name", e.name},
                   {"share", static_cast<double>(e.ns) / s.calls_ns},
                   {"calls", e.calls},
                   {"ns", e.ns},
                   {"flops", e.flops}});
  return {{"scenario", s.name},
          {"what", s.what},
          {"samples", s.samples},
          {"texts_per_call", s.texts_per_call},
          {"tokens_per_call", s.tokens_per_call},
          {"wall_ms", quantiles_json(s.wall_ms)},
          {"cpu_ms", quantiles_json(s.cpu_ms)},
          {"texts_per_s", s.texts_per_s},
          {"tokens_per_s", s.tokens_per_s},
          {"cpu_share", s.cpu_share},
          {"gflops", s.gflops},
          {"share", r.share(s.gflops)},
          {"products_gflops", s.matmul_gflops},
          {"products_share", r.share(s.matmul_gflops)},
          {"ops", std::move(ops)},
          {"around_share", s.around_ns() / s.calls_ns},
          {"unaccounted", s.unaccounted()}};
}

Json sweep_json(const EmbedReport& r) {
  Json rows = Json::array();
  for (const auto& [what, row] : r.sweep)
    rows.push_back({{"model", what},
                    {"texts", row.texts},
                    {"tokens", row.tokens},
                    {"wall_ns", {{"model", row.wall_ns[0]}, {"layer", row.wall_ns[1]}, {"op", row.wall_ns[2]}}},
                    {"cpu_ns", {{"model", row.cpu_ns[0]}, {"layer", row.cpu_ns[1]}, {"op", row.cpu_ns[2]}}},
                    {"layer_ratio", row.layer_ratio()},
                    {"op_ratio", row.op_ratio()}});
  return rows;
}

}  // namespace

std::string report_text(const EmbedReport& r) {
  std::string text;
  const Out out(text);
  print_head(r, out);
  if (!r.scenarios.empty()) {
    print_scenarios(r, out);
    print_profiles(r, out);
  }
  if (!r.sweep.empty()) print_sweep(r, out);
  if (r.soak)
    fmt::format_to(out,
                   "\nsoak: {} texts in {:.1f} s, resident {:.1f} MiB after {} texts, {:.1f} at the end: {:.3f}x\n",
                   r.soak->texts, r.soak->seconds, mib(r.soak->warm_bytes), r.soak->warm_texts, mib(r.soak->end_bytes),
                   r.soak->ratio());
  return text;
}

std::string report_json(const EmbedReport& r) {
  Json json = {{"format", "lathe-bench-embed"},
               {"version", 1},
               {"model", r.model},
               {"dtype", r.dtype},
               {"dispatch", r.dispatch},
               {"threads", r.threads},
               {"dim", r.dim},
               {"date", r.date},
               {"cpu", this_machine().cpu},
               {"lathe_version", LATHE_VERSION},
               {"load", r.load},
               {"open_ms", r.open_ms},
               {"rss", {{"idle", r.idle_bytes}, {"idle_anonymous", r.idle_anonymous_bytes}, {"peak", r.peak_bytes}}}};
  if (r.starts)
    json["start_ms"] = {{"cold", r.starts->cold_ms},
                        {"second", r.starts->second_ms},
                        {"warm", r.starts->warm_ms},
                        {"warm_best", r.starts->warm_best_ms},
                        {"pages_dropped", r.starts->dropped}};
  if (r.ceilings)
    json["ceiling"] = {{"binds", r.ceiling},
                       {"gflops", r.ceiling_gflops},
                       {"fma_gflops", r.ceilings->fma.giga},
                       {"mac_gops", r.ceilings->mac.giga},
                       {"read_gbps", r.ceilings->read.giga}};
  json["scenarios"] = Json::array();
  for (const run::ScenarioReport& s : r.scenarios) json["scenarios"].push_back(scenario_json(r, s));
  if (!r.sweep.empty()) json["dispatch_sweep"] = sweep_json(r);
  if (r.soak)
    json["soak"] = {{"texts", r.soak->texts},
                    {"seconds", r.soak->seconds},
                    {"warm_bytes", r.soak->warm_bytes},
                    {"end_bytes", r.soak->end_bytes},
                    {"ratio", r.soak->ratio()}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lathe::cli
