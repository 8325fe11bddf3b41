#include "bench_embed_device.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bench_head.h"
#include "plan_path.h"
#include "product_rows.h"
#include "progress.h"

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;
using Tests = std::vector<run::DeviceEmbedTest>;

constexpr const char* kWays[] = {"model", "layer", "op"};

void print_text(const run::Embedder& embedder, const std::string& model, const Tests& tests) {
  const gpu::DeviceInfo& device = embedder.device()->info();
  fmt::print("{}, {} on {}, {} {}\n", model, matmul::type_name(embedder.stored()), device.name, device.driver,
             device.driver_version);
  if (device.kind == gpu::DeviceKind::cpu)
    fmt::print("The device computes on the CPU: its times say nothing of a GPU's.\n");
  fmt::print("{:.1f} MiB of weights on the device\n\n{:<16}{:>8}{:>10}{:>12}{:>12}{:>12}{:>12}{:>14}\n",
             mib(embedder.device()->uploaded_bytes()), "scenario", "texts", "tokens", "ms/text", "p95", "texts/s",
             "tokens/s", "submissions");
  for (const run::DeviceEmbedTest& t : tests)
    fmt::print("{:<16}{:>8}{:>10.1f}{:>12.3f}{:>12.3f}{:>12.1f}{:>12.1f}{:>14.2f}\n", t.name, t.texts_per_call,
               t.tokens_per_call, t.wall_ms.p50, t.wall_ms.p95, t.texts_per_s, t.tokens_per_s, t.submissions_per_call);
  fmt::print("{}\n", product_rows_text(embedder.device()->products(), default_plan_path()));
  fmt::print("From texts to vectors, tokenizing included; texts, tokens and submissions are a call's.\n");
  for (const run::DeviceEmbedTest& t : tests) {
    if (!t.sweep) continue;
    fmt::print("\na call of {}, submitted by\n", t.name);
    for (int way = 0; way < 3; ++way)
      fmt::print("{:<8}{:>12.1f} us{:>9.3f}x\n", kWays[way], t.sweep->wall_ns[way] / 1e3,
                 t.sweep->wall_ns[way] / t.sweep->wall_ns[0]);
  }
}

Json json_of(const run::DeviceEmbedTest& t) {
  Json json = {{"scenario", t.name},
               {"samples", t.samples},
               {"texts_per_call", t.texts_per_call},
               {"tokens_per_call", t.tokens_per_call},
               {"ms_per_text", {{"p50", t.wall_ms.p50}, {"p95", t.wall_ms.p95}, {"p99", t.wall_ms.p99}}},
               {"texts_per_s", t.texts_per_s},
               {"tokens_per_s", t.tokens_per_s},
               {"submissions_per_call", t.submissions_per_call}};
  if (t.sweep)
    for (int way = 0; way < 3; ++way) json["dispatch"][std::string(kWays[way]) + "_us"] = t.sweep->wall_ns[way] / 1e3;
  return json;
}

void print_json(const run::Embedder& embedder, const std::string& model, const Tests& tests) {
  const gpu::DeviceInfo& device = embedder.device()->info();
  Json json = {{"format", "lathe-bench-embed-device"},
               {"version", 1},
               {"model", model},
               {"dtype", matmul::type_name(embedder.stored())},
               {"dim", embedder.dim()},
               {"device", device.name},
               {"device_kind", gpu::kind_name(device.kind)},
               {"driver", device.driver},
               {"driver_version", device.driver_version},
               {"uploaded_bytes", embedder.device()->uploaded_bytes()},
               {"products", product_rows_json(embedder.device()->products(), default_plan_path())},
               {"scenarios", Json::array()}};
  for (const run::DeviceEmbedTest& t : tests) json["scenarios"].push_back(json_of(t));
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

Status bench_embed_device(const run::EmbedderOptions& options, const std::vector<run::Scenario>& scenarios,
                          const run::DeviceEmbedOptions& bench, bool json) {
  Progress progress;
  run::EmbedderOptions with_progress = options;
  with_progress.uploaded = [&progress](int64_t done, int64_t total) {
    progress.show_bytes(done, total, "to the device");
  };
  auto embedder = run::Embedder::open(with_progress);
  progress.clear();
  if (!embedder) return embedder.status();
  Tests tests;
  for (const run::Scenario& scenario : scenarios) {
    progress.show(std::ssize(tests), std::ssize(scenarios), scenario.name);
    auto test = run::bench_on_device(*embedder, scenario, bench);
    if (!test) return test.status();
    tests.push_back(std::move(*test));
  }
  progress.clear();
  json ? print_json(*embedder, options.model, tests) : print_text(*embedder, options.model, tests);
  return {};
}

}  // namespace lathe::cli
