#include "probe_matmul.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include <filesystem>

#include "base/atomic_file.h"
#include "device_option.h"
#include "plan_path.h"
#include "platform/machine.h"
#include "probe/html_report.h"
#include "probe/json_report.h"
#include "probe/plan_update.h"
#include "probe/presets.h"
#include "probe/shapes.h"
#include "probe/table.h"
#include "probe_device.h"
#include "progress.h"
#include "report_context.h"

namespace lathe::cli {
namespace {

namespace fs = std::filesystem;

// Said before minutes are spent on figures that then have no place to go.
Status check_target(const char* option, const std::string& path) {
  if (path.empty() || path == "-") return {};
  std::error_code error;
  const fs::path parent = fs::path(path).parent_path();
  if (fs::is_directory(path, error))
    return invalid_argument(fmt::format("{} {}: is a folder, needed: a file name", option, path));
  if (!parent.empty() && !fs::is_directory(parent, error))
    return invalid_argument(fmt::format("{} {}: the folder {} does not exist", option, path, parent.string()));
  return {};
}

Status check_options(const ProbeOptions& o) {
  const int sources = !o.preset.empty() + !o.shapes_file.empty() + !o.shape.sizes.empty();
  if (sources > 1) return invalid_argument("more than one of --preset, --shapes and M N K was given, needed: one");
  if (o.save_plan && o.probe.hot)
    return invalid_argument(
        "--save-plan with --hot: a plan is made for weights that come from memory, needed: one of them");
  if (o.new_only && !o.save_plan)
    return invalid_argument("--new-only asks what a plan lacks, needed: --save-plan with it");
  if ((o.json == "-") + (o.html == "-") + (o.csv == "-") > 1)
    return invalid_argument("two of --json, --html and --csv go to standard output, needed: one at most");
  if (!(o.probe.seconds > 0 && o.probe.seconds <= 3600))
    return invalid_argument(fmt::format("--seconds is {}, needed: more than 0 and at most 3600", o.probe.seconds));
  Status s = check_target("--json", o.json);
  if (s.ok()) s = check_target("--html", o.html);
  if (s.ok()) s = check_target("--csv", o.csv);
  return s;
}

Status write_outputs(const ProbeOptions& o, const probe::Report& report, const probe::Context& context) {
  const PassOverInterrupts undisturbed;
  Status s;
  if (!o.json.empty()) s = write_output(o.json, probe::render_json(report, context, 1));
  if (s.ok() && !o.html.empty()) s = write_output(o.html, probe::render_html(report, context));
  if (s.ok() && !o.csv.empty()) s = write_output(o.csv, probe::render_csv(report));
  return s;
}

Status save_plan(const ProbeOptions& o, const std::string& path, const probe::Report& report, tune::Plan& plan) {
  const probe::PlanUpdate update = probe::update_plan(report, plan);
  const PassOverInterrupts undisturbed;
  if (o.plan_path.empty()) {
    std::error_code error;
    fs::create_directories(fs::path(path).parent_path(), error);  // saving says so where this failed
  }
  if (Status s = plan.save(path); !s.ok()) return s;
  // On stderr: stdout may be JSON.
  fmt::print(stderr, "plan: {} shapes entered into {}\n", update.entered, path);
  if (update.skipped > 0)
    spdlog::warn("{} shapes did not enter the plan: what dispatch takes for them by default was not measured",
                 update.skipped);
  return {};
}

}  // namespace

PassOverInterrupts::PassOverInterrupts() {
  for (size_t i = 0; i < kSignals.size(); ++i) before_[i] = std::signal(kSignals[i], SIG_IGN);
}
PassOverInterrupts::~PassOverInterrupts() {
  for (size_t i = 0; i < kSignals.size(); ++i) std::signal(kSignals[i], before_[i]);
}

Status write_output(const std::string& path, const std::string& text) {
  if (path.empty()) return {};
  if (path != "-") return write_file(path, text);
  fmt::print("{}", text);
  return {};
}

Result<std::vector<probe::Shape>> shapes_to_probe(const ProbeOptions& o) {
  if (!o.shapes_file.empty()) return probe::read_shapes(o.shapes_file, {this_machine().memory_total});
  if (o.shape.sizes.empty()) return probe::preset(o.preset.empty() ? "quick" : o.preset);
  const auto problem = problem_of(o.shape);
  if (!problem) return problem.status();
  return std::vector<probe::Shape>{{probe::default_name(*problem), *problem, 1, "command line", "command line"}};
}

Status probe_matmul(const ProbeOptions& o) {
  if (Status s = check_options(o); !s.ok()) return s;
  const auto device = parse_device(o.device);
  if (!device) return device.status();
  if (device->has_value()) return probe_device(o);
  const auto numbers = run_numbers(o.run);
  if (!numbers) return numbers.status();
  auto shapes = shapes_to_probe(o);
  if (!shapes) return shapes.status();
  const std::string plan_path = o.plan_path.empty() ? default_plan_path() : o.plan_path;
  if (o.save_plan && plan_path.empty())
    return invalid_argument("--save-plan: neither XDG_CACHE_HOME nor HOME is set, needed: a file name");
  tune::Plan plan = load_plan(plan_path, o.new_only ? tune::Builds::any : tune::Builds::this_one);

  probe::Options options = o.probe;
  options.threads = numbers->threads;
  options.seed = numbers->seed;
  if (o.quick && !o.seconds_given) options.seconds = kQuickSeconds;
  if (o.quick) options.samples = kQuickSamples;
  options.plan = [&plan](const matmul::Problem& problem, int threads) { return plan.lookup(problem, threads); };
  if (o.new_only) {
    probe::NewRows rows =
        probe::find_new_rows(*shapes, numbers->threads > 0 ? numbers->threads : this_machine().threads, plan);
    if (rows.shapes.empty()) return save_plan(o, plan_path, {}, plan);  // another build's becomes this one's
    *shapes = std::move(rows.shapes);
    options.variants = std::move(rows.variants);
  }
  Progress progress;
  auto report = probe::run_probe(
      *shapes, options, [&](int64_t done, int64_t total, std::string_view name) { progress.show(done, total, name); });
  progress.clear();
  if (!report) return report.status();
  const probe::Context context = report_context(*report);
  if (o.json != "-" && o.html != "-" && o.csv != "-") fmt::print("{}", probe::render_table(*report, context));
  Status s = write_outputs(o, *report, context);
  if (s.ok() && o.save_plan) s = save_plan(o, plan_path, *report, plan);
  return s;
}

}  // namespace lathe::cli
