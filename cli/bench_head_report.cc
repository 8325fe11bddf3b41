#include <algorithm>
#include <nlohmann/json.hpp>

#include "bench_head.h"
#include "platform/machine.h"

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

std::vector<ops::Profile::Entry> by_time(const ops::Profile& profile) {
  std::vector<ops::Profile::Entry> entries(profile.entries().begin(), profile.entries().end());
  std::ranges::sort(entries, [](const auto& a, const auto& b) { return a.ns > b.ns; });
  return entries;
}

Json sweep_json(const BenchHead& head) {
  Json rows = Json::array();
  for (const auto& [what, row] : head.sweep)
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

double mib(int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

void print_head(const BenchHead& head, const char* first, TextOut out) {
  fmt::format_to(out, "{}, {}, {} threads, dispatch per {}, on {}; load {:.1f}\n", head.model, head.dtype, head.threads,
                 head.dispatch, this_machine().cpu, head.load);
  fmt::format_to(out,
                 "opened in {:.0f} ms; resident when idle {:.1f} MiB ({:.1f} of it not from files), at most {:.1f}\n",
                 head.open_ms, mib(head.idle_bytes), mib(head.idle_anonymous_bytes), mib(head.peak_bytes));
  if (head.starts)
    fmt::format_to(out, "process start to first {}: cold {:.0f} ms{}, second {:.0f}, warm {:.1f} (best {:.1f})\n",
                   first, head.starts->cold_ms, head.starts->dropped ? "" : " (files perhaps still cached)",
                   head.starts->second_ms, head.starts->warm_ms, head.starts->warm_best_ms);
  if (head.ceilings)
    fmt::format_to(out, "ceiling: {:.0f} G/s of {}, {:.0f} GB/s read\n", head.ceiling_gflops, head.ceiling,
                   head.ceilings->read.giga);
}

void print_profile(const run::ProfiledCalls& calls, const char* around, TextOut out) {
  for (const auto& e : by_time(calls.profile)) {
    fmt::format_to(out, "{} {:.1f}%", e.name, 100 * static_cast<double>(e.ns) / calls.calls_ns);
    if (e.flops > 0) fmt::format_to(out, " ({:.0f} GFLOP/s)", e.flops / static_cast<double>(e.ns));
    fmt::format_to(out, ", ");
  }
  fmt::format_to(out, "around the passes ({}) {:.1f}%, unaccounted {:.2f}%", around,
                 100 * calls.around_ns() / calls.calls_ns, 100 * calls.unaccounted());
}

void print_sweep(const BenchHead& head, TextOut out) {
  fmt::format_to(out, "\n{:<8}{:>7}{:>8}{:>13}{:>13}{:>13}{:>10}{:>10}{:>9}\n", "pass of", "texts", "tokens",
                 "model us", "layer us", "op us", "layer", "op", "CPU/wt");
  for (const auto& [what, row] : head.sweep)
    fmt::format_to(out, "{:<8}{:>7}{:>8}{:>13.1f}{:>13.1f}{:>13.1f}{:>9.3f}x{:>9.3f}x{:>9.2f}\n", what, row.texts,
                   row.tokens, row.wall_ns[0] / 1e3, row.wall_ns[1] / 1e3, row.wall_ns[2] / 1e3, row.layer_ratio(),
                   row.op_ratio(), row.cpu_ns[0] / (row.wall_ns[0] * head.threads));
  fmt::format_to(out, "layer, op: how much longer a pass takes where the team enters per layer or per op.\n");
}

void print_soak(const BenchHead& head, const char* what, TextOut out) {
  const run::SoakReport& s = *head.soak;
  fmt::format_to(out, "\nsoak: {} {} in {:.1f} s, resident {:.1f} MiB after {} {}, {:.1f} at the end: {:.3f}x\n",
                 s.done, what, s.seconds, mib(s.warm_bytes), s.warm, what, mib(s.end_bytes), s.ratio());
}

Json quantiles_json(const run::Quantiles& q) { return {{"p50", q.p50}, {"p95", q.p95}, {"p99", q.p99}}; }

Json head_json(const BenchHead& head, const char* format) {
  Json json = {
      {"format", format},
      {"version", 1},
      {"model", head.model},
      {"dtype", head.dtype},
      {"dispatch", head.dispatch},
      {"threads", head.threads},
      {"date", head.date},
      {"cpu", this_machine().cpu},
      {"lathe_version", LATHE_VERSION},
      {"load", head.load},
      {"open_ms", head.open_ms},
      {"rss", {{"idle", head.idle_bytes}, {"idle_anonymous", head.idle_anonymous_bytes}, {"peak", head.peak_bytes}}}};
  if (head.starts)
    json["start_ms"] = {{"cold", head.starts->cold_ms},
                        {"second", head.starts->second_ms},
                        {"warm", head.starts->warm_ms},
                        {"warm_best", head.starts->warm_best_ms},
                        {"pages_dropped", head.starts->dropped}};
  if (head.ceilings)
    json["ceiling"] = {{"binds", head.ceiling},
                       {"gflops", head.ceiling_gflops},
                       {"fma_gflops", head.ceilings->fma.giga},
                       {"mac_gops", head.ceilings->mac.giga},
                       {"read_gbps", head.ceilings->read.giga}};
  return json;
}

void add_tail_json(const BenchHead& head, const char* what, Json& json) {
  if (!head.sweep.empty()) json["dispatch_sweep"] = sweep_json(head);
  if (head.soak)
    json["soak"] = {{what, head.soak->done},
                    {"seconds", head.soak->seconds},
                    {"warm_bytes", head.soak->warm_bytes},
                    {"end_bytes", head.soak->end_bytes},
                    {"ratio", head.soak->ratio()}};
}

void add_profile_json(const run::ProfiledCalls& calls, Json& row) {
  Json ops = Json::array();
  for (const auto& e : by_time(calls.profile))
    ops.push_back({{"name", e.name},
                   {"share", static_cast<double>(e.ns) / calls.calls_ns},
                   {"calls", e.calls},
                   {"ns", e.ns},
                   {"flops", e.flops}});
  row["ops"] = std::move(ops);
  row["around_share"] = calls.around_ns() / calls.calls_ns;
  row["unaccounted"] = calls.unaccounted();
}

}  // namespace lathe::cli
