// lathe explain: which kernel runs for one product, why, and why not the others.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "commands.h"
#include "device_option.h"
#include "explain_device.h"
#include "ops/matmul.h"
#include "packing_cost.h"
#include "plan_path.h"
#include "platform/machine.h"
#include "probe/columns.h"
#include "probe/probe.h"
#include "probe/shapes.h"
#include "shape_options.h"
#include "tune/problem_text.h"

namespace lathe::cli {
namespace {

using matmul::Problem;
using matmul::Variant;

struct ExplainOptions {
  ShapeOptions shape;
  RunOptions run;
  std::string isa, plan_path, device = "cpu";
  bool measure = true;
};

constexpr double kSeconds = 0.1;  // per candidate: enough to tell 2 % on a quiet machine
// Up to here the scalar variants are timed too, which the probe does only for variants that are named: at about 1
// GFLOP/s one call takes a second.
constexpr double kSlowFlops = 1e9;

// All that is known about one product before it is printed.
struct Explanation {
  Problem problem;
  int threads = 1;
  FeatureSet features = 0;
  std::string plan_path;
  const tune::PlanEntry* entry = nullptr;  // the plan's, if it has one
  const Variant* variant = nullptr;        // what runs
  probe::Report report;                    // measured: the product, and where it exists its unprepared form
  bool measured = false;
  PackingCost packing;
  bool packed = false;
};

// Any row of `name` for shape `shape` of the report.
const probe::Row* row_of(const Explanation& x, int64_t shape, std::string_view name) {
  for (const probe::Row& row : x.report.rows)
    if (row.shape == shape && row.variant == name) return &row;
  return nullptr;
}

double measured_ms(const probe::Row* row) {
  return row && row->disposition == probe::Disposition::passed ? row->timing.median_ms : 0;
}

double planned_ms(const Explanation& x, std::string_view name) {
  if (x.entry)
    for (const tune::PlanMeasurement& m : x.entry->measured)
      if (m.variant == name) return m.ms;
  return 0;
}

std::string tile(const Variant& v) {
  return fmt::format("tile {} x {}, {}, {}", v.mr, v.nr,
                     v.kc ? fmt::format("K in blocks of {}", v.kc) : "all of K at once", matmul::layout_name(v.layout));
}

std::string why(const Explanation& x) {
  if (x.entry)
    return fmt::format("the plan {} has it: {:.4f} ms, {:.0f}% of its ceiling, fastest of {} measured", x.plan_path,
                       x.entry->ms, 100 * x.entry->share, x.entry->measured.size());
  return fmt::format(
      "no plan has this product: the default takes the first instruction set that can ({}), and within "
      "it the row preferred for M = {}",
      isa_name(x.variant->isa), x.problem.m);
}

std::string bytes_text(double bytes) {
  return bytes >= 1e9   ? fmt::format("{:.2f} GB", bytes / 1e9)
         : bytes >= 1e6 ? fmt::format("{:.2f} MB", bytes / 1e6)
                        : fmt::format("{:.1f} kB", bytes / 1e3);
}

// The ceiling that binds, and how near the choice comes to it.
std::string ceiling_text(const Explanation& x) {
  const probe::Ceilings& c = x.report.ceilings;
  const probe::Row* row = row_of(x, 0, x.variant->name);
  if (measured_ms(row) == 0) return "not measured";
  const std::string rate = row->ceiling == "read"   ? fmt::format("reading, {:.1f} GB/s", c.read_gbps)
                           : row->ceiling == "byte" ? fmt::format("byte multiply-adds, {:.1f} Gop/s", c.byte_gops)
                           : row->ceiling == "bf16" ? fmt::format("bf16 multiply-adds, {:.1f} GFLOP/s", c.bf16_gflops)
                           : row->ceiling == "int"  ? fmt::format("integer multiply-adds, {:.1f} Gop/s", c.int_gops)
                                                    : fmt::format("multiply-adds, {:.1f} GFLOP/s", c.fma_gflops);
  return fmt::format("{}; {} reaches {:.0f}% of it: {:.1f} GFLOP/s, {:.1f} GB/s", rate, x.variant->name,
                     100 * row->share, row->gflops, row->gbps);
}

void print_head(const Explanation& x) {
  const ops::Cost cost = ops::cost(x.problem);
  probe::Columns lines("ll");
  lines.add({"product", tune::problem_text(x.problem)});
  lines.add({"work", fmt::format("{:.4g} MFLOP, at least {}: {:.2f} FLOP/byte", cost.flops / 1e6,
                                 bytes_text(cost.bytes), cost.flops / cost.bytes)});
  lines.add({"threads", std::to_string(x.threads)});
  if (x.variant) {
    lines.add({"runs", x.variant->name});
    lines.add({"", x.variant->what});
    lines.add({"", tile(*x.variant)});
    lines.add({"why", why(x)});
    lines.add({"ceiling", ceiling_text(x)});
  }
  fmt::print("{}\n", lines.text(""));
}

struct Line {
  const Variant* variant;
  double ms;
  std::string from;  // where ms comes from, or why there is none
};

Line candidate_line(const Explanation& x, const Variant& v) {
  const probe::Row* row = row_of(x, 0, v.name);
  if (const double ms = measured_ms(row); ms > 0) return {&v, ms, "measured now"};
  if (row && row->disposition != probe::Disposition::passed)
    return {&v, 0, fmt::format("{}: {}", probe::disposition_name(row->disposition), row->reason)};
  if (const double ms = planned_ms(x, v.name); ms > 0) return {&v, ms, "from the plan"};
  return {&v, 0, "not measured"};
}

std::string slower_text(double ms, double chosen_ms) {
  if (ms == 0 || chosen_ms == 0) return "";
  if (ms > 2 * chosen_ms) return fmt::format("{:.1f}x as long", ms / chosen_ms);
  return fmt::format("{:+d}%", static_cast<int>(std::lround(100 * (ms / chosen_ms - 1))));
}

void print_candidates(const Explanation& x) {
  std::vector<Line> lines;
  for (const Variant* v : matmul::variants())
    if (matmul::refusal(*v, x.problem, x.features).empty()) lines.push_back(candidate_line(x, *v));
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return (a.ms > 0 ? a.ms : 1e300) < (b.ms > 0 ? b.ms : 1e300); });
  double chosen_ms = 0;
  for (const Line& line : lines)
    if (line.variant == x.variant) chosen_ms = line.ms;
  probe::Columns table("llrrl");
  for (const Line& line : lines) {
    const bool chosen = line.variant == x.variant;
    const std::string relative = chosen ? "runs" : slower_text(line.ms, chosen_ms);
    table.add({chosen ? ">" : "", line.variant->name, line.ms > 0 ? fmt::format("{:.4f} ms", line.ms) : "-", relative,
               line.from});
  }
  if (!lines.empty()) fmt::print("candidates\n{}\n", table.text("  "));
}

void print_refused(const Explanation& x) {
  probe::Columns table("ll");
  for (const Variant* v : matmul::variants())
    if (const std::string reason = matmul::refusal(*v, x.problem, x.features); !reason.empty())
      table.add({v->name, reason});
  if (const std::string text = table.text("  "); !text.empty()) fmt::print("refused\n{}\n", text);
}

// After how many calls packing has paid, against the same product with W read as it lies.
std::string pays_after(const Explanation& x) {
  const double prepared = measured_ms(row_of(x, 0, x.variant->name));
  double unprepared = 0;
  for (const probe::Row& row : x.report.rows)
    if (row.shape == 1 && row.chosen) unprepared = measured_ms(&row);
  if (prepared == 0) return "";
  if (unprepared == 0)
    return fmt::format("as long as {:.1f} calls; nothing reads such a W as it lies", x.packing.ms / prepared);
  if (unprepared <= prepared)
    return fmt::format("as long as {:.1f} calls; unpacked is as fast ({:.4f} ms), so it never pays here",
                       x.packing.ms / prepared, unprepared);
  return fmt::format("pays after {:.0f} calls ({:.4f} ms a call unpacked, {:.4f} ms packed)",
                     std::max(1.0, std::ceil(x.packing.ms / (unprepared - prepared))), unprepared, prepared);
}

void print_packing(const Explanation& x) {
  if (!x.problem.prepared) {
    fmt::print("packing  none: W is read as it lies\n");
    return;
  }
  if (!x.packed) return;
  const std::string pays = pays_after(x);
  fmt::print("packing  {} once: {} to {} in {:.3f} ms{}{}\n", matmul::layout_name(x.packing.layout),
             bytes_text(static_cast<double>(x.packing.source_bytes)),
             bytes_text(static_cast<double>(x.packing.packed_bytes)), x.packing.ms, pays.empty() ? "" : "; ", pays);
}

// Every variant that takes the product or its unprepared form.
std::vector<std::string> takers(const Explanation& x) {
  std::vector<std::string> names;
  for (const Variant* v : matmul::variants())
    for (const bool prepared : {true, false}) {
      Problem problem = x.problem;
      problem.prepared = prepared;
      if (matmul::refusal(*v, problem, x.features).empty()) names.emplace_back(v->name);
    }
  return names;
}

Status measure(const ExplainOptions& o, uint64_t seed, const tune::Plan& plan, Explanation& x) {
  std::vector<probe::Shape> shapes = {{probe::default_name(x.problem), x.problem, 1, "", ""}};
  if (x.problem.prepared) {
    shapes.push_back(shapes.front());
    shapes.back().problem.prepared = false;
    if (!ops::choose_variant(shapes.back().problem, x.features)) shapes.pop_back();
  }
  probe::Options options;
  options.threads = x.threads;
  options.seed = seed;
  options.providers = {"none"};
  options.isa = o.isa;
  options.seconds = kSeconds;
  if (ops::cost(x.problem).flops < kSlowFlops) options.variants = takers(x);
  if (o.isa.empty())
    options.plan = [&plan](const Problem& problem, int threads) { return plan.lookup(problem, threads); };
  auto report = probe::run_probe(shapes, options, nullptr);
  if (!report) return report.status();
  x.report = std::move(*report);
  x.measured = true;
  if (!x.problem.prepared || !x.variant) return {};
  const auto team = Team::create({.threads = x.threads});
  if (!team) return team.status();
  const auto packing = measure_packing(x.problem, x.variant->layout, **team);
  if (!packing) return packing.status();
  x.packing = *packing;
  x.packed = true;
  return {};
}

// What this CPU has, or what `isa` needs of it.
Result<FeatureSet> features_for(const std::string& name) {
  if (name.empty()) return cpu_features();
  const auto isa = parse_isa(name);
  if (!isa) return isa.status();
  if (const std::string missing = missing_features(cpu_features(), isa_needs(*isa)); !missing.empty())
    return unsupported(fmt::format("--isa {} needs {}, which this CPU lacks", name, missing));
  return isa_needs(*isa);
}

Status explain(const ExplainOptions& o) {
  const auto problem = problem_of(o.shape);
  if (!problem) return problem.status();
  const auto device = parse_device(o.device);
  if (!device) return device.status();
  if (device->has_value()) {
    if (!o.isa.empty()) return invalid_argument("--isa with --device vulkan: it is of the CPU, needed: one of them");
    return explain_device(*problem, o.device, o.plan_path.empty() ? default_plan_path() : o.plan_path);
  }
  const auto features = features_for(o.isa);
  if (!features) return features.status();
  const auto numbers = run_numbers(o.run);
  if (!numbers) return numbers.status();
  Explanation x;
  x.problem = *problem;
  x.features = *features;
  x.threads = numbers->threads > 0 ? numbers->threads : this_machine().threads;
  x.plan_path = o.plan_path.empty() ? default_plan_path() : o.plan_path;
  const tune::Plan plan = load_plan(x.plan_path);
  if (o.isa.empty()) x.entry = plan.find(x.problem, x.threads);
  const auto usual = ops::choose_variant(x.problem, x.features);
  x.variant = x.entry ? x.entry->variant : usual ? *usual : nullptr;
  if (x.variant && o.measure)
    if (Status s = measure(o, numbers->seed, plan, x); !s.ok()) return s;
  print_head(x);
  print_candidates(x);
  print_refused(x);
  print_packing(x);
  return x.variant ? Status() : usual.status();
}

}  // namespace

void add_explain(CLI::App& lathe, Command& chosen) {
  CLI::App* command = lathe.add_subcommand("explain", "Which kernel runs for one product, why, and why not the others");
  auto options = std::make_shared<ExplainOptions>();
  add_shape_options(*command, options->shape, true);
  add_run_options(*command, options->run);
  add_device_option(*command, options->device);
  command->add_option("--isa", options->isa, "As if the CPU had this instruction set and no better one")
      ->type_name("NAME");
  command->add_option("--plan", options->plan_path, "The plan to look into, where not the user's")->type_name("FILE");
  command->add_flag("--measure,!--no-measure", options->measure,
                    "Time the candidates and the packing (default; of a GPU the probe does)");
  command->callback([options, &chosen] { chosen = [options] { return explain(*options); }; });
}

}  // namespace lathe::cli
