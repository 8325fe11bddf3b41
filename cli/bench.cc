// lathe bench matmul: one product, again and again, and what came of it in one line. lathe bench embed, generate and
// train stand in files of their own.
#include <fmt/format.h>

#include <memory>

#include "bench_embed.h"
#include "bench_generate.h"
#include "bench_train.h"
#include "commands.h"
#include "ops/matmul.h"
#include "plan_path.h"
#include "platform/machine.h"
#include "probe/probe.h"
#include "probe/shapes.h"
#include "shape_options.h"

namespace lathe::cli {
namespace {

struct BenchOptions {
  ShapeOptions shape;
  std::string variant;
  RunOptions run;
  bool hot = false;
  double seconds = 1;
};

// The named variant, else what dispatch takes.
Result<std::string> variant_of(const BenchOptions& o, int threads, const matmul::Problem& problem,
                               const tune::Plan& plan) {
  if (!o.variant.empty()) return o.variant;
  if (const auto* planned = plan.lookup(problem, threads > 0 ? threads : this_machine().threads))
    return std::string(planned->name);
  const auto chosen = ops::choose_variant(problem, cpu_features());
  if (!chosen) return chosen.status();
  return std::string((*chosen)->name);
}

Status print(const probe::Report& report, const probe::Row& row) {
  if (row.disposition != probe::Disposition::passed)
    return failed(fmt::format("{}: {}: {}", row.variant, probe::disposition_name(row.disposition), row.reason));
  const probe::Timing& t = row.timing;
  fmt::print("{}  {}  {} threads, {}\n", report.shapes[0].name, row.variant, report.ceilings.threads,
             report.hot ? "hot" : "cold");
  fmt::print("median {:.4f} ms, p95 {:.4f}, min {:.4f}, spread {:.1f}% of {} samples, CPU {:.4f} ms\n", t.median_ms,
             t.p95_ms, t.min_ms, 100 * t.spread, t.samples, t.cpu_median_ms);
  fmt::print("{:.1f} GFLOP/s, {:.1f} GB/s, {:.0f}% of the {} ceiling\n", row.gflops, row.gbps, 100 * row.share,
             row.ceiling);
  return {};
}

Status bench_matmul(const BenchOptions& o) {
  const auto problem = problem_of(o.shape);
  if (!problem) return problem.status();
  const auto numbers = run_numbers(o.run);
  if (!numbers) return numbers.status();
  const auto variant = variant_of(o, numbers->threads, *problem, load_plan(default_plan_path()));
  if (!variant) return variant.status();
  probe::Options options;
  options.threads = numbers->threads;
  options.variants = {*variant};
  options.providers = {"none"};
  options.hot = o.hot;
  options.seconds = o.seconds;
  options.seed = numbers->seed;
  const auto report = probe::run_probe({{probe::default_name(*problem), *problem, 1, "", ""}}, options, nullptr);
  if (!report) return report.status();
  for (const probe::Row& row : report->rows)
    if (row.variant == *variant) return print(*report, row);
  return failed(fmt::format("{} was not measured", *variant));
}

}  // namespace

void add_bench(CLI::App& lathe, Command& chosen) {
  CLI::App* bench = lathe.add_subcommand("bench", "Time one product, or what a model does");
  bench->require_subcommand(1);
  CLI::App* command = bench->add_subcommand("matmul", "Verify one variant at one shape, then run it again and again");
  auto options = std::make_shared<BenchOptions>();
  add_shape_options(*command, options->shape, true);
  command->add_option("--variant", options->variant, "The variant; without it what dispatch takes")->type_name("NAME");
  add_run_options(*command, options->run);
  command->add_flag("--hot", options->hot, "Operands stay in the caches");
  command->add_option("--seconds", options->seconds, "How long")->capture_default_str();
  command->callback([options, &chosen] { chosen = [options] { return bench_matmul(*options); }; });
  add_bench_embed(*bench, chosen);
  add_bench_generate(*bench, chosen);
  add_bench_train(*bench, chosen);
}

}  // namespace lathe::cli
