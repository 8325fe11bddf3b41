#include "bench_generate_device.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bench_head.h"
#include "plan_path.h"
#include "product_rows.h"
#include "progress.h"

namespace lathe::cli {
namespace {

using Json = nlohmann::ordered_json;

void print_text(const run::Generator& generator, const std::string& model, const run::DeviceBenchReport& r) {
  const gpu::DeviceInfo& device = generator.device()->info();
  fmt::print("{}, {} on {}, {} {}\n", model, matmul::type_name(generator.stored()), device.name, device.driver,
             device.driver_version);
  if (device.kind == gpu::DeviceKind::cpu)
    fmt::print("The device computes on the CPU: its times say nothing of a GPU's.\n");
  fmt::print("{:.1f} MiB of weights on the device, keys and values f32\n\n{:<16}{:>12}{:>12}{:>20}\n",
             mib(generator.device()->uploaded_bytes()), "test", "tokens/s", "GB/s", "submissions/token");
  for (const run::DeviceTest& t : r.tests)
    fmt::print("{:<16}{:>12.2f}{:>12.2f}{:>20.3f}\n", t.name, t.median, t.weight_gbps, t.submissions_per_token);
  fmt::print("{}\n", product_rows_text(generator.device()->products(), default_plan_path()));
  fmt::print(
      "tokens/s: of all texts of a test, the median of the runs. GB/s: weights that answers read.\n\nan answer of {} "
      "tokens, submitted "
      "by\n",
      r.sweep.tokens);
  constexpr const char* kWays[] = {"model", "layer", "op"};
  for (int way = 0; way < 3; ++way)
    fmt::print("{:<8}{:>12.1f} us{:>9.3f}x\n", kWays[way], r.sweep.wall_ns[way] / 1e3,
               r.sweep.wall_ns[way] / r.sweep.wall_ns[0]);
}

void print_json(const run::Generator& generator, const std::string& model, const run::DeviceBenchReport& r) {
  const gpu::DeviceInfo& device = generator.device()->info();
  Json json = {{"format", "lathe-bench-generate-device"},
               {"version", 1},
               {"model", model},
               {"dtype", matmul::type_name(generator.stored())},
               {"kv", "f32"},
               {"device", device.name},
               {"device_kind", gpu::kind_name(device.kind)},
               {"driver", device.driver},
               {"driver_version", device.driver_version},
               {"uploaded_bytes", generator.device()->uploaded_bytes()},
               {"products", product_rows_json(generator.device()->products(), default_plan_path())},
               {"tests", Json::array()}};
  for (const run::DeviceTest& t : r.tests)
    json["tests"].push_back({{"test", t.name},
                             {"tokens", t.tokens},
                             {"texts", t.texts},
                             {"runs", t.tokens_per_s},
                             {"tokens_per_s", t.median},
                             {"weight_gbps", t.weight_gbps},
                             {"submissions_per_token", t.submissions_per_token}});
  json["dispatch"] = {{"answer_tokens", r.sweep.tokens},      {"model_us", r.sweep.wall_ns[0] / 1e3},
                      {"layer_us", r.sweep.wall_ns[1] / 1e3}, {"op_us", r.sweep.wall_ns[2] / 1e3},
                      {"layer_ratio", r.sweep.layer_ratio()}, {"op_ratio", r.sweep.op_ratio()}};
  fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

Status bench_generate_device(const run::GeneratorOptions& options, const run::DeviceBenchOptions& bench, bool json) {
  Progress progress;
  run::GeneratorOptions with_progress = options;
  with_progress.uploaded = [&progress](int64_t done, int64_t total) {
    progress.show_bytes(done, total, "to the device");
  };
  const auto generator = run::Generator::open(with_progress);
  progress.clear();
  if (!generator) return generator.status();
  const auto report = run::bench_on_device(**generator, bench);
  if (!report) return report.status();
  json ? print_json(**generator, options.model, *report) : print_text(**generator, options.model, *report);
  return {};
}

}  // namespace lathe::cli
