#include "run/embed_scenarios.h"

#include <algorithm>
#include <numeric>
#include <string_view>

#include "platform/clock.h"
#include "platform/process_memory.h"

namespace lathe::run {
namespace {

double sum(const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); }

Quantiles per_text_ms(const CallTimes& times, const std::vector<double>& ns, const Scenario& scenario) {
  std::vector<double> ms;
  for (size_t i = 0; i < times.wall_ns.size(); ++i)
    ms.push_back(ns[i] / 1e6 / static_cast<double>(scenario.calls[i % scenario.calls.size()].size()));
  return quantiles(std::move(ms));
}

}  // namespace

Result<ScenarioReport> bench_scenario(Embedder& embedder, const Scenario& scenario, const BenchOptions& options) {
  const auto times = time_calls(embedder, scenario, {.seconds = options.seconds, .calls = 100});
  if (!times) return times.status();
  ScenarioReport report;
  report.name = scenario.name;
  report.what = scenario.what;
  report.samples = static_cast<int64_t>(times->wall_ns.size());
  const auto calls = static_cast<double>(scenario.calls.size());
  report.texts_per_call = static_cast<int64_t>(scenario.calls.front().size());
  report.tokens_per_call = static_cast<double>(times->cycle_tokens) / calls;
  report.wall_ms = per_text_ms(*times, times->wall_ns, scenario);
  report.cpu_ms = per_text_ms(*times, times->cpu_ns, scenario);
  report.texts_per_s = 1e3 / report.wall_ms.p50;
  const double call_ns = quantiles(times->wall_ns).p50;
  report.tokens_per_s = report.tokens_per_call / call_ns * 1e9;
  report.cpu_share = report.cpu_ms.p50 / (report.wall_ms.p50 * options.threads);

  embedder.encoder().set_profile(&report.profile);
  const auto profiled = time_calls(embedder, scenario, {.seconds = options.seconds / 2, .calls = 1, .warm_up = false});
  embedder.encoder().set_profile(nullptr);
  if (!profiled) return profiled.status();
  report.calls_ns = sum(profiled->wall_ns);
  report.gflops = report.flops() / static_cast<double>(profiled->wall_ns.size()) / call_ns;
  report.matmul_gflops = report.product_gflops();
  return report;
}

Result<SoakReport> soak(Embedder& embedder, int64_t texts) {
  SoakReport report;
  report.done = texts;
  report.warm = std::min<int64_t>(texts / 10, 10'000);
  const int64_t began = now_ns();
  std::vector<std::string> batch;
  std::vector<std::string_view> views;
  for (int64_t done = 0; done < texts;) {
    const int64_t count = std::min(1 + done * 7919 % 64, texts - done);
    batch.clear();
    for (int64_t i = 0; i < count; ++i)
      batch.push_back(bench_text(1 + (done + i) * 31 % 16, 1'000'000 + static_cast<uint64_t>(done + i)));
    views.assign(batch.begin(), batch.end());
    if (Status s = embedder.embed(views, [](const Embedding& e) { return e.status; }); !s.ok()) return s;
    const bool warm_before = done >= report.warm;
    done += count;
    if (warm_before || done < report.warm) continue;
    if (const auto memory = process_memory()) report.warm_bytes = memory->resident();
  }
  if (const auto memory = process_memory()) report.end_bytes = memory->resident();
  report.seconds = static_cast<double>(now_ns() - began) / 1e9;
  return report;
}

}  // namespace lathe::run
