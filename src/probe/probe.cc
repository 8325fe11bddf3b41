#include "probe/probe.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "platform/clock.h"
#include "platform/machine.h"
#include "probe/shape_run.h"
#include "tune/ceilings.h"

namespace lathe::probe {
namespace {

// A longer probe measures the ceilings again at its end, and takes the higher ones.
constexpr int64_t kLongProbeNs = 5'000'000'000;

// One other program that computes without pause.
constexpr double kBusyLoad = 1;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text.data();
}

Ceilings as_reported(const tune::Ceilings& c) {
  Ceilings r;
  r.threads = c.threads;
  r.fma_gflops = c.fma.giga, r.read_gbps = c.read.giga, r.int_gops = c.mac.giga, r.byte_gops = c.byte_mac.giga,
  r.bf16_gflops = c.bf16.giga;
  r.fma_gflops_one = c.fma_one.giga, r.read_gbps_one = c.read_one.giga, r.int_gops_one = c.mac_one.giga,
  r.byte_gops_one = c.byte_mac_one.giga, r.bf16_gflops_one = c.bf16_one.giga;
  r.barrier_ns = c.barrier_ns, r.empty_program_ns = c.empty_program_ns;
  r.fma_spread = c.fma.spread, r.read_spread = c.read.spread, r.int_spread = c.mac.spread;
  r.byte_spread = c.byte_mac.spread, r.bf16_spread = c.bf16.spread;
  return r;
}

Memory memory_of(const Machine& machine) {
  Memory memory;
  memory.last_cache_bytes = std::max({machine.l1d.bytes, machine.l2.bytes, machine.l3.bytes, int64_t{8} << 20});
  memory.available_bytes = machine.memory_available;
  if (machine.memory_limit > 0)
    memory.available_bytes =
        memory.available_bytes > 0 ? std::min(memory.available_bytes, machine.memory_limit) : machine.memory_limit;
  return memory;
}

Status check_options(const Options& o) {
  if (!(o.seconds > 0) || o.seconds > 3600)
    return invalid_argument("seconds is " + std::to_string(o.seconds) + ": expected more than 0 and at most 3600");
  if (o.samples < 1) return invalid_argument("samples is " + std::to_string(o.samples) + ": expected at least 1");
  return {};
}

// "3 shapes ran with operands that fit the last cache: ..." names the first.
void note_warm_shapes(const std::vector<Shape>& shapes, const std::vector<Rotation>& rotations, Report* report) {
  int64_t count = 0, first = -1;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const bool timed = std::any_of(report->rows.begin(), report->rows.end(), [&](const Row& row) {
      return row.shape == static_cast<int64_t>(i) && row.timing.samples > 0;
    });
    if (!timed || rotations[i].cold) continue;
    if (first < 0) first = static_cast<int64_t>(i);
    ++count;
  }
  if (count > 0)
    report->notes.push_back(std::to_string(count) + " of " + std::to_string(shapes.size()) +
                            " shapes are too small to be read from memory each time, even with " +
                            std::to_string(rotations[static_cast<size_t>(first)].copies) +
                            " copies of their operands: their ceiling is the arithmetic's (first: " +
                            shapes[static_cast<size_t>(first)].name + ")");
}

}  // namespace

std::string_view disposition_name(Disposition disposition) {
  switch (disposition) {
    case Disposition::passed:
      return "passed";
    case Disposition::incorrect:
      return "incorrect";
    case Disposition::not_supported:
      return "not_supported";
    case Disposition::failed:
      return "failed";
    case Disposition::not_verified:
      return "not_verified";
  }
  return "?";
}

Result<Report> run_probe(const std::vector<Shape>& shapes, const Options& options,
                         const std::function<void(int64_t, int64_t, std::string_view)>& progress) {
  if (Status status = check_options(options); !status.ok()) return status;
  const FeatureSet features = cpu_features();
  const auto candidates = find_candidates(options, features);
  if (!candidates) return candidates.status();
  const Machine& machine = this_machine();
  auto team = Team::create({.threads = options.threads > 0 ? options.threads : machine.threads});
  if (!team) return team.status();
  for (const tune::Provider* provider : candidates->providers) provider->set_threads((*team)->size());

  Report report;
  report.shapes = shapes;
  report.hot = options.hot;
  report.load_before = load_averages()[0];
  report.date = utc_now();
  tune::CeilingOptions ceiling_options;
  ceiling_options.features = features;
  const Memory memory = memory_of(machine);
  ceiling_options.last_cache_bytes = memory.last_cache_bytes;
  ceiling_options.available_bytes = memory.available_bytes;
  auto ceilings = tune::measure_ceilings(**team, ceiling_options);
  if (!ceilings) return ceilings.status();

  const int64_t start = now_ns(), total = static_cast<int64_t>(shapes.size());
  ShapeRun run{**team, options, *candidates, features, memory, nullptr};
  std::vector<Rotation> rotations;
  for (int64_t i = 0; i < total; ++i) {
    const Shape& shape = shapes[static_cast<size_t>(i)];
    if (progress) progress(i, total, shape.name);
    ShapeRun::Outcome outcome = run.run(shape, i);
    std::move(outcome.rows.begin(), outcome.rows.end(), std::back_inserter(report.rows));
    rotations.push_back(outcome.rotation);
  }
  if (progress) progress(total, total, "");
  if (now_ns() - start > kLongProbeNs)
    if (Status status = tune::raise_ceilings(**team, ceiling_options, &*ceilings); !status.ok()) return status;
  report.ceilings = as_reported(*ceilings);
  for (auto begin = report.rows.begin(); begin != report.rows.end();) {
    const int64_t shape = begin->shape;
    const auto end = std::find_if(begin, report.rows.end(), [&](const Row& row) { return row.shape != shape; });
    rate_rows(shapes[static_cast<size_t>(shape)], rotations[static_cast<size_t>(shape)], report.ceilings, {begin, end});
    begin = end;
  }
  if (report.load_before >= kBusyLoad)
    report.notes.push_back("the machine was busy when the probe began (load average " +
                           std::to_string(report.load_before).substr(0, 4) +
                           "): every figure suffers, and those of libraries whose threads spin suffer most");
  if (!options.hot) note_warm_shapes(shapes, rotations, &report);
  report.load_after = load_averages()[0];
  return report;
}

}  // namespace lathe::probe
