#include "probe_device.h"

#include <fmt/core.h>

#include "base/atomic_file.h"
#include "probe/device_probe.h"
#include "progress.h"

namespace lathe::cli {
namespace {

// What the probe of the CPU has and that of a GPU has not.
Status check_options(const ProbeOptions& o) {
  const auto no = [](const char* option) {
    return invalid_argument(std::string(option) + " with --device vulkan: there is none for GPUs, needed: one of them");
  };
  if (o.save_plan) return no("--save-plan");
  if (!o.html.empty()) return no("--html");
  if (!o.csv.empty()) return no("--csv");
  if (!o.probe.isa.empty()) return no("--isa");
  if (!o.probe.providers.empty() && o.probe.providers != std::vector<std::string>{"none"}) return no("--provider");
  return {};
}

}  // namespace

Status probe_device(const ProbeOptions& o, int64_t device) {
  if (Status s = check_options(o); !s.ok()) return s;
  const auto numbers = run_numbers(o.run);
  if (!numbers) return numbers.status();
  const auto shapes = shapes_to_probe(o);
  if (!shapes) return shapes.status();
  probe::DeviceOptions options;
  options.device = device;
  options.variants = o.probe.variants;
  options.hot = o.probe.hot, options.bitwise = o.probe.bitwise;
  options.seconds = o.quick && !o.seconds_given ? kQuickSeconds : o.probe.seconds;
  options.samples = o.quick ? kQuickSamples : o.probe.samples;
  options.seed = numbers->seed;
  Progress progress;
  const auto report = probe::run_device_probe(
      *shapes, options, [&](int64_t done, int64_t total, std::string_view name) { progress.show(done, total, name); });
  progress.clear();
  if (!report) return report.status();
  if (o.json != "-") fmt::print("{}", probe::render_device_table(*report));
  if (o.json.empty()) return {};
  const std::string json = probe::render_device_json(*report, 1);
  if (o.json != "-") return write_file(o.json, json);
  fmt::print("{}", json);
  return {};
}

}  // namespace lathe::cli
