#include "probe/cublas_run.h"

#include <algorithm>

#include "base/checked.h"
#include "platform/clock.h"
#include "probe/verify.h"
#include "tune/measure.h"

namespace lathe::probe {
namespace {

constexpr uint32_t kNvidia = 0x10de;
constexpr int64_t kCalls = 32;       // of a submission, as ours
constexpr int64_t kMostCopies = 64;  // of the weights
constexpr int kMostRounds = 1000;

bool named(const DeviceOptions& options) {
  return std::find(options.providers.begin(), options.providers.end(), "cublas") != options.providers.end();
}

std::string refusal(const gpu::MatmulProblem& p) {
  if (p.w != gpu::WeightType::f32) return "computes with weights of f32 only";
  if (p.gated || p.bias || p.residual || p.act != gpu::Activation::none) return "has no such epilogue";
  return "";
}

}  // namespace

CublasRun::CublasRun(const gpu::DeviceInfo& info, const DeviceOptions& options) : options_(options) {
  wanted_ = named(options) || (options.providers.empty() && options.variants.empty() && info.vendor_id == kNvidia);
  if (!wanted_) return;
  auto opened = gpu::Cublas::open(info.uuid);
  if (opened)
    cublas_ = std::move(*opened);
  else
    why_not_ = opened.status().message();
}

DeviceRow CublasRun::run(const gpu::MatmulProblem& problem, int64_t index, Operands& host, const Reference& reference,
                         int64_t cold_bytes) {
  DeviceRow row;
  row.shape = index, row.provider = "cublas", row.variant = "sgemm", row.layout = "plain";
  row.disposition = Disposition::not_supported;
  row.reason = cublas_ ? refusal(problem) : why_not_;
  if (!row.reason.empty()) return row;
  const int64_t copies = std::clamp<int64_t>(ceil_div(cold_bytes, problem.n * problem.k * 4), 1, kMostCopies);
  Status s = judge(problem, host, reference, copies, &row);
  if (s.ok() && row.disposition == Disposition::passed) s = time(&row);
  if (!s.ok()) row.disposition = Disposition::failed, row.reason = s.message();
  return row;
}

Status CublasRun::judge(const gpu::MatmulProblem& p, Operands& host, const Reference& reference, int64_t copies,
                        DeviceRow* row) {
  host.poison();
  const gpu::CublasProduct product = {p.m, p.n, p.k, 1.0f, p.accumulate ? 1.0f : 0.0f};
  Status s = cublas_->take(product, host.a_floats(), host.w->values(), host.c.as<float>(), copies);
  if (s.ok()) s = cublas_->run(0, 1);
  if (s.ok()) s = cublas_->read_y(host.c.as<float>());
  if (!s.ok()) return s;
  const Verdict verdict = verify(host, reference, Numerics::f32);
  row->max_rel = verdict.max_rel, row->nmse = verdict.nmse;
  row->disposition = verdict.correct ? Disposition::passed : Disposition::incorrect;
  row->reason = verdict.reason;
  return {};
}

Status CublasRun::time(DeviceRow* row) {
  std::vector<double> gpu, alone, together;
  double total = 0;
  const double wanted_ns = options_.seconds * 1e9;
  const auto samples = static_cast<size_t>(options_.samples);
  for (int round = 0; round < kMostRounds && (total < wanted_ns || gpu.size() < samples || alone.size() < samples);
       ++round) {
    const auto times = cublas_->time(kCalls);
    if (!times) return times.status();
    if (round > 0) gpu.insert(gpu.end(), times->begin(), times->end());  // the first chooses its kernel
    for (const double ns : *times) total += ns;
    int64_t start = now_ns();
    if (Status s = cublas_->run(0, kCalls); !s.ok()) return s;
    together.push_back(static_cast<double>(now_ns() - start) / static_cast<double>(kCalls));
    start = now_ns();
    if (Status s = cublas_->run(0, 1); !s.ok()) return s;
    alone.push_back(static_cast<double>(now_ns() - start));
  }
  const tune::Summary summary = tune::summarize(gpu);
  Timing& t = row->timing.gpu;
  t.median_ms = summary.median * 1e-6, t.p95_ms = summary.p95 * 1e-6, t.min_ms = summary.min * 1e-6;
  t.spread = summary.spread, t.samples = summary.samples;
  row->timing.alone_ms = tune::summarize(alone).median * 1e-6;
  row->timing.together_ms = tune::summarize(together).median * 1e-6;
  return {};
}

}  // namespace lathe::probe
