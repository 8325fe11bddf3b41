#include "probe/device_probe.h"

#include <algorithm>
#include <ctime>

#include "gpu/named_device.h"
#include "platform/machine.h"
#include "probe/candidates.h"
#include "probe/device_run.h"
#include "tune/device_problem.h"

namespace lathe::probe {
namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

Status check_options(const DeviceOptions& o) {
  if (!(o.seconds > 0) || o.seconds > 3600)
    return invalid_argument("seconds is " + std::to_string(o.seconds) + ": expected more than 0 and at most 3600");
  if (o.samples < 1) return invalid_argument("samples is " + std::to_string(o.samples) + ": expected at least 1");
  const auto all = gpu::matmul_variants();
  for (const std::string& name : o.providers)
    if (name != "none" && name != "cublas")
      return invalid_argument("unknown provider \"" + name + "\" for a device: known are cublas and none");
  for (const std::string& glob : o.variants)
    if (std::none_of(all.begin(), all.end(), [&](const auto& v) { return matches_glob(glob, v.name); }))
      return invalid_argument("unknown variant \"" + glob +
                              "\": known are those that the probe lists without --variants");
  return {};
}

// Bytes that a copy from buffer to buffer reads and writes, per second; the fastest of some.
Result<double> measure_copy(gpu::Device& device, int64_t bytes) {
  constexpr int kTrials = 5;
  auto from = device.create_buffer(bytes, gpu::MemoryUse::device);
  if (!from) return from.status();
  auto to = device.create_buffer(bytes, gpu::MemoryUse::device);
  if (!to) return to.status();
  auto recording = device.record(kTrials + 1);
  if (!recording) return recording.status();
  (*recording)->copy(**from, 0, **to, 0, bytes);  // touches the pages
  (*recording)->barrier();
  (*recording)->timestamp();
  for (int i = 0; i < kTrials; ++i) {
    (*recording)->copy(**from, 0, **to, 0, bytes);
    (*recording)->barrier();
    (*recording)->timestamp();
  }
  Status s = (*recording)->end();
  if (s.ok()) s = device.submit(**recording);
  if (!s.ok()) return s;
  const auto times = device.timestamps(**recording);
  if (!times) return times.status();
  double best = 0;
  for (size_t i = 1; i < times->size(); ++i) {
    const double ns = (*times)[i] - (*times)[i - 1];
    if (!(ns > 0)) return failed("two timestamps of the device around a copy are equal");
    best = std::max(best, 2 * static_cast<double>(bytes) / ns);
  }
  return best;
}

// As packed; a peer's are plain f32.
int64_t weight_bytes(const gpu::MatmulVariant* variant, int64_t columns, int64_t k) {
  if (variant == nullptr) return columns * k * 4;
  const auto size = gpu::packed_size(variant->w, variant->layout, columns, k);
  return size ? size->bytes : 0;
}

void rate(DeviceReport* report) {
  std::vector<DeviceRow*> best(report->shapes.size(), nullptr);
  for (DeviceRow& row : report->rows) {
    if (row.disposition != Disposition::passed || row.timing.gpu.samples == 0) continue;
    const matmul::Problem& p = report->shapes[static_cast<size_t>(row.shape)].problem;
    const gpu::MatmulVariant* variant = gpu::find_matmul_variant(row.variant);
    const int64_t columns = p.gated ? 2 * p.n : p.n;
    const double ns = row.timing.gpu.median_ms * 1e6;
    const double bytes = static_cast<double>(weight_bytes(variant, columns, p.k) + (p.m * p.k + p.m * p.n) * 4);
    row.gbps = bytes / ns;
    row.gflops = 2 * static_cast<double>(p.m) * static_cast<double>(columns) * static_cast<double>(p.k) / ns;
    row.share = report->copy_gbps > 0 ? row.gbps / report->copy_gbps : 0;
    if (variant == nullptr) continue;
    DeviceRow*& leader = best[static_cast<size_t>(row.shape)];
    if (leader == nullptr || row.timing.gpu.median_ms < leader->timing.gpu.median_ms) leader = &row;
  }
  for (DeviceRow* row : best)
    if (row != nullptr) row->best = true;
}

}  // namespace

tune::DevicePlan update_device_plan(const DeviceReport& report, tune::DevicePlan plan) {
  for (size_t i = 0; i < report.shapes.size(); ++i) {
    const auto problem = tune::device_problem(report.shapes[i].problem);
    if (!problem) continue;
    tune::DevicePlanEntry entry{*problem, {}};
    for (const DeviceRow& row : report.rows) {
      if (row.shape != static_cast<int64_t>(i) || row.provider != "lathe") continue;
      const gpu::MatmulVariant* variant = gpu::find_matmul_variant(row.variant);
      if (variant == nullptr || row.disposition != Disposition::passed) continue;
      entry.measured.push_back({row.variant, tune::row_fingerprint(*variant), row.timing.gpu.median_ms, row.share});
    }
    if (!entry.measured.empty()) plan.add(std::move(entry));
  }
  return plan;
}

Result<DeviceReport> run_device_probe(const std::vector<Shape>& shapes, const DeviceOptions& options,
                                      const std::function<void(int64_t, int64_t, std::string_view)>& progress) {
  if (Status status = check_options(options); !status.ok()) return status;
  auto named = gpu::NamedDevice::open(options.device, {.pipeline_folder = options.pipeline_folder});
  if (!named) return named.status();
  const std::shared_ptr<gpu::Device> device = named->device();
  auto team = Team::create({.threads = this_machine().threads});
  if (!team) return team.status();
  DeviceReport report;
  report.device = device->info();
  report.shapes = shapes;
  report.hot = options.hot;
  report.dispatches = kDispatches;
  report.date = utc_now();
  if (!named->pipeline_refusal().empty())
    report.notes.push_back("pipelines are compiled anew: " + named->pipeline_refusal());
  const bool software = on_cpu(report.device);
  if (software) report.notes.push_back("the device computes on the CPU: its times say nothing of a GPU's");
  const int64_t copied = std::min(software ? kColdBytesOnCpu : kColdBytes, device->memory().budget / 4);
  auto before = measure_copy(*device, copied);
  if (!before) return before.status();
  DeviceRun run(device, **team, options);
  const auto total = static_cast<int64_t>(shapes.size());
  for (int64_t i = 0; i < total; ++i) {
    if (progress) progress(i, total, shapes[static_cast<size_t>(i)].name);
    auto rows = run.run(shapes[static_cast<size_t>(i)], i);
    std::move(rows.begin(), rows.end(), std::back_inserter(report.rows));
  }
  if (progress) progress(total, total, "");
  const auto after = measure_copy(*device, copied);
  report.copy_gbps = std::max(*before, after ? *after : 0.0);
  rate(&report);
  if (Status s = named->keep_pipelines(); !s.ok()) report.notes.push_back("pipelines are not kept: " + s.message());
  return report;
}

}  // namespace lathe::probe
