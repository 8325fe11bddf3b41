#include "explain_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "cache_path.h"
#include "gpu/matmul_chooser.h"
#include "gpu/named_device.h"
#include "ops/device_products.h"
#include "plan_path.h"
#include "probe/columns.h"
#include "tune/device_problem.h"
#include "tune/problem_text.h"

namespace lathe::cli {
namespace {

using gpu::MatmulVariant;

struct Line {
  const MatmulVariant* variant;
  double ms = 0;  // 0: the plan has none
};

double planned_ms(const tune::DevicePlanEntry* entry, const MatmulVariant& variant) {
  if (entry != nullptr)
    for (const tune::PlanMeasurement& m : entry->measured)
      if (m.variant == variant.name && m.row == tune::row_fingerprint(variant)) return m.ms;
  return 0;
}

void print_candidates(const gpu::MatmulProblem& problem, const gpu::DeviceInfo& info,
                      const tune::DevicePlanEntry* entry, const MatmulVariant* runs) {
  std::vector<Line> lines;
  for (const MatmulVariant& v : gpu::matmul_variants())
    if (gpu::matmul_refusal(v, problem, info).empty()) lines.push_back({&v, planned_ms(entry, v)});
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return (a.ms > 0 ? a.ms : 1e300) < (b.ms > 0 ? b.ms : 1e300); });
  probe::Columns table("lllrl");
  for (const Line& line : lines)
    table.add({line.variant == runs ? ">" : "", line.variant->name, std::string(gpu::layout_name(line.variant->layout)),
               line.ms > 0 ? fmt::format("{:.4f} ms", line.ms) : "-", line.ms > 0 ? "from the plan" : "not measured"});
  fmt::print("candidates\n{}\n", table.text("  "));
}

// Rows of other types of weights say nothing of the product.
void print_refused(const gpu::MatmulProblem& problem, const gpu::DeviceInfo& info) {
  std::map<std::string, std::string> said;
  for (const MatmulVariant& v : gpu::matmul_variants()) {
    if (v.w != problem.w) continue;
    const std::string why = gpu::matmul_refusal(v, problem, info);
    if (!why.empty()) said[why] += (said[why].empty() ? "" : ", ") + v.name;
  }
  if (said.empty()) return;
  fmt::print("refused\n");
  for (const auto& [why, who] : said) fmt::print("  {}\n    {}\n", why, who);
}

// A model's rows share a layout, and an order of addition with those for other counts of rows of x.
void add_model_lines(const gpu::MatmulProblem& problem, const gpu::DeviceInfo& info, const tune::DevicePlan& plan,
                     probe::Columns& lines) {
  ops::DeviceProducts products(
      info, [&plan](const gpu::DeviceInfo&, const gpu::MatmulProblem& p) { return plan.fastest(p); });
  const auto row = products.choose(problem);
  lines.add({"in a model", row ? (*row)->name : "nothing: " + row.status().message()});
  if (!row) return;
  lines.add({"", products.chosen_as_measured() > 0
                     ? "the plan's fastest of the rows in " + std::string(gpu::layout_name((*row)->layout)) +
                           " whose order of addition there is for 1 to 16 rows of x"
                     : "of the list that stands where no plan has a row in " +
                           std::string(gpu::layout_name((*row)->layout)) + " for it"});
}

}  // namespace

Status explain_device(const matmul::Problem& shape, const std::string& name, const std::string& plan_path) {
  const auto problem = tune::device_problem(shape);
  if (!problem) return problem.status();
  const auto named = gpu::NamedDevice::open(name, {.pipeline_folder = default_pipeline_folder()});
  if (!named) return named.status();
  const gpu::DeviceInfo& info = named->device()->info();
  const tune::DevicePlan plan = device_plan(plan_path, info);
  gpu::MatmulChooser chooser(
      named->device(), gpu::Compiling::wait,
      [&](const gpu::MatmulProblem& p, std::optional<gpu::WeightLayout> layout) { return plan.lookup(p, layout); });
  const auto choice = chooser.choose(*problem);
  const MatmulVariant* runs = choice ? choice->variant : nullptr;
  const MatmulVariant* planned = plan.lookup(*problem);
  probe::Columns lines("ll");
  lines.add({"product", tune::problem_text(shape)});
  lines.add({"device", fmt::format("vulkan:{}: {}, {} {}", info.index, info.name, info.driver, info.driver_version)});
  if (runs != nullptr) {
    lines.add({"runs", runs->name});
    lines.add({"", runs->what});
    lines.add({"why", runs == planned
                          ? fmt::format("the plan {} has it: {:.4f} ms, the fastest that was measured here", plan_path,
                                        planned_ms(plan.find(*problem), *runs))
                          : "no plan has this product on this device and driver: it is the first of the table that "
                            "takes it, which nobody has timed"});
  }
  add_model_lines(*problem, info, plan, lines);
  fmt::print("{}\n", lines.text(""));
  if (runs != nullptr) print_candidates(*problem, info, plan.find(*problem), runs);
  print_refused(*problem, info);
  return choice.status();
}

}  // namespace lathe::cli
