#include "bench_embed_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

void print_scenarios(const EmbedReport& r, TextOut out) {
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

void print_profiles(const EmbedReport& r, TextOut out) {
  for (const run::ScenarioReport& s : r.scenarios) {
    fmt::format_to(out, "\n{}: ", s.name);
    print_profile(s, "tokenizing, handing over", out);
  }
  fmt::format_to(out, "\n");
}

Json scenario_json(const EmbedReport& r, const run::ScenarioReport& s) {
  Json row = {{"scenario", s.name},
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
              {"products_share", r.share(s.matmul_gflops)}};
  add_profile_json(s, row);
  return row;
}

}  // namespace

std::string report_text(const EmbedReport& r) {
  std::string text;
  const TextOut out(text);
  print_head(r, "vector", out);
  if (!r.scenarios.empty()) {
    print_scenarios(r, out);
    print_profiles(r, out);
  }
  if (!r.sweep.empty()) print_sweep(r, out);
  if (r.soak) print_soak(r, "texts", out);
  return text;
}

std::string report_json(const EmbedReport& r) {
  Json json = head_json(r, "lathe-bench-embed");
  json["dim"] = r.dim;
  json["scenarios"] = Json::array();
  for (const run::ScenarioReport& s : r.scenarios) json["scenarios"].push_back(scenario_json(r, s));
  add_tail_json(r, "texts", json);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace lathe::cli
