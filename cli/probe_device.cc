#include "probe_device.h"

#include <fmt/core.h>

#include <filesystem>
#include <optional>

#include "cache_path.h"
#include "plan_path.h"
#include "probe/device_report.h"
#include "progress.h"
#include "report_context.h"

namespace lathe::cli {
namespace {

// What the probe of the CPU has and that of a GPU has not.
Status check_options(const ProbeOptions& o) {
  const auto no = [](const char* option) {
    return invalid_argument(std::string(option) +
                            " with --device vulkan: it is of the CPU's probe, needed: one of them");
  };
  if (!o.probe.isa.empty()) return no("--isa");
  if (o.new_only) return no("--new-only");
  return {};
}

Status save_plan(const std::string& path, const probe::DeviceReport& report) {
  const tune::DevicePlan plan = probe::update_device_plan(report, device_plan(path, report.device));
  const PassOverInterrupts undisturbed;
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);  // saving says if this failed
  if (Status s = tune::save_device_plan(path, plan, plan_scope()); !s.ok()) return s;
  fmt::print(stderr, "plan: {} products of vulkan:{} are in {}\n", plan.entries().size(), report.device.index, path);
  return {};
}

}  // namespace

Status probe_device(const ProbeOptions& o) {
  if (Status s = check_options(o); !s.ok()) return s;
  const auto numbers = run_numbers(o.run);
  if (!numbers) return numbers.status();
  const auto shapes = shapes_to_probe(o);
  if (!shapes) return shapes.status();
  probe::DeviceOptions options;
  options.device = o.device;
  options.pipeline_folder = default_pipeline_folder();
  options.variants = o.probe.variants;
  options.providers = o.probe.providers;
  options.hot = o.probe.hot, options.bitwise = o.probe.bitwise;
  options.seconds = o.quick && !o.seconds_given ? kQuickSeconds : o.probe.seconds;
  options.samples = o.quick ? kQuickSamples : o.probe.samples;
  options.seed = numbers->seed;
  const std::string plan_path = o.plan_path.empty() ? default_plan_path() : o.plan_path;
  if (o.save_plan && plan_path.empty())
    return invalid_argument("--save-plan: neither XDG_CACHE_HOME nor HOME is set, needed: a file name");
  std::optional<tune::DevicePlan> plan;
  options.plan = [&](const gpu::DeviceInfo& info, const gpu::MatmulProblem& problem) {
    if (!plan) plan = device_plan(plan_path, info);
    return plan->lookup(problem);
  };
  Progress progress;
  const auto report = probe::run_device_probe(
      *shapes, options, [&](int64_t done, int64_t total, std::string_view name) { progress.show(done, total, name); });
  progress.clear();
  if (!report) return report.status();
  const probe::Context context = report_context(probe::as_report(*report));
  if (o.json != "-" && o.html != "-" && o.csv != "-") fmt::print("{}", probe::render_device_table(*report));
  Status s;
  if (!o.json.empty()) s = write_output(o.json, probe::render_device_json(*report, context, 1));
  if (s.ok() && !o.html.empty()) s = write_output(o.html, probe::render_device_html(*report, context));
  if (s.ok() && !o.csv.empty()) s = write_output(o.csv, probe::render_device_csv(*report));
  if (s.ok() && o.save_plan) s = save_plan(plan_path, *report);
  return s;
}

}  // namespace lathe::cli
