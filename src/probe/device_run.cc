#include "probe/device_run.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

#include "probe/candidates.h"
#include "probe/verify.h"
#include "tune/device_problem.h"
#include "tune/measure.h"

namespace lathe::probe {
namespace {

constexpr double kPatience = 4;  // times `seconds` of wall time, however few samples that gives

bool wanted(const DeviceOptions& options, const gpu::MatmulVariant& variant) {
  return options.variants.empty() || std::any_of(options.variants.begin(), options.variants.end(),
                                                 [&](const auto& glob) { return matches_glob(glob, variant.name); });
}

void give_up(DeviceRow* row, const Status& status) {
  row->disposition = status.code() == Code::unsupported ? Disposition::not_supported : Disposition::failed;
  row->reason = status.message();
}

}  // namespace

int64_t DeviceRun::cold_bytes() const {
  if (options_.hot) return 1;
  return on_cpu(device_->info()) ? kColdBytesOnCpu : kColdBytes;
}

Status DeviceRun::prepare(const Shape& shape, const gpu::MatmulProblem& problem) {
  reference_.reset(), operands_.reset(), host_.reset();
  const matmul::Problem& p = shape.problem;
  WeightKey key;
  key.n = p.n, key.k = p.k;
  key.type = p.w, key.order = p.order, key.gated = p.gated, key.seed = options_.seed;
  auto weights = WeightOperands::create(key, team_);
  if (!weights) return weights.status();
  auto host = Operands::create(p, *weights, 1, false, options_.seed, team_);
  if (!host) return host.status();
  host_ = std::make_unique<Operands>(std::move(*host));
  host_->poison();
  reference_ = std::make_unique<Reference>(Reference::create(*host_, options_.seed, team_));
  operands_ = std::make_unique<DeviceOperands>(device_, *host_, problem, cold_bytes());
  return operands_->upload();
}

std::vector<DeviceRow> DeviceRun::run(const Shape& shape, int64_t index) {
  const auto problem = tune::device_problem(shape.problem);
  const gpu::DeviceInfo& info = device_->info();
  const gpu::MatmulVariant* usual = problem && options_.plan ? options_.plan(info, *problem) : nullptr;
  if (problem && usual == nullptr) usual = gpu::default_matmul_variant(*problem, info);
  std::vector<DeviceRow> rows;
  std::map<gpu::WeightLayout, std::vector<size_t>> taking;  // of each layout: the weights of one are there at a time
  for (const gpu::MatmulVariant& variant : gpu::matmul_variants()) {
    if (!wanted(options_, variant)) continue;
    if (problem && options_.variants.empty() && variant.w != problem->w) continue;  // says nothing of the shape
    DeviceRow row;
    row.shape = index, row.variant = variant.name, row.layout = gpu::layout_name(variant.layout);
    row.chosen = usual == &variant;
    row.disposition = Disposition::not_supported;
    row.reason = problem ? gpu::matmul_refusal(variant, *problem, device_->info()) : problem.status().message();
    if (row.reason.empty()) taking[variant.layout].push_back(rows.size());
    rows.push_back(std::move(row));
  }
  if (!problem || (taking.empty() && !cublas_.wanted())) return rows;
  if (Status s = prepare(shape, *problem); !s.ok()) {
    for (const auto& [layout, taken] : taking)
      for (const size_t i : taken) give_up(&rows[i], s);
    return rows;
  }
  for (const auto& [layout, taken] : taking) take(*problem, taken, &rows);
  if (cublas_.wanted()) {
    operands_.reset();  // the device's memory is cuBLAS's now
    rows.push_back(cublas_.run(*problem, index, *host_, *reference_, cold_bytes()));
  }
  return rows;
}

void DeviceRun::take(const gpu::MatmulProblem& problem, const std::vector<size_t>& rows, std::vector<DeviceRow>* all) {
  std::vector<Timed> timed;
  for (const size_t i : rows) {
    const gpu::MatmulVariant& variant = *gpu::find_matmul_variant((*all)[i].variant);
    if (Status s = judge(variant, problem, &(*all)[i], &timed, i); !s.ok()) give_up(&(*all)[i], s);
  }
  time(&timed, all);
}

Status DeviceRun::judge(const gpu::MatmulVariant& variant, const gpu::MatmulProblem& problem, DeviceRow* row,
                        std::vector<Timed>* timed, size_t index) {
  if (Status s = operands_->upload_weights(variant); !s.ok()) return s;
  auto contender = DeviceContender::create(device_, variant, problem, *operands_, kDispatches);
  if (!contender) return contender.status();
  Status s = operands_->restore();
  if (s.ok()) s = contender->run_once();
  if (s.ok()) s = operands_->download();
  if (!s.ok()) return s;
  const Verdict verdict = verify(*host_, *reference_, variant.rounds ? Numerics::h16 : Numerics::f32);
  row->max_rel = verdict.max_rel, row->nmse = verdict.nmse;
  row->disposition = verdict.correct ? Disposition::passed : Disposition::incorrect;
  row->reason = verdict.reason;
  if (verdict.correct && options_.bitwise) {
    const uint64_t hash = hash_of_c(*host_);
    s = operands_->restore();
    if (s.ok()) s = contender->run_once(true);
    if (s.ok()) s = operands_->download();
    if (!s.ok()) return s;
    if (hash_of_c(*host_) != hash)
      row->disposition = Disposition::incorrect, row->reason = "two runs gave different bits";
  }
  if (row->disposition == Disposition::passed) timed->push_back({index, std::move(*contender)});
  return {};
}

bool DeviceRun::enough(const DeviceContender& contender, double wall_ns) const {
  const double wanted_ns = options_.seconds * 1e9;
  if (wall_ns >= kPatience * wanted_ns) return true;
  return contender.gpu_total_ns() >= wanted_ns && contender.gpu_ns().size() >= static_cast<size_t>(options_.samples) &&
         contender.alone_ns().size() >= static_cast<size_t>(options_.samples);
}

// In turns, in an order shuffled every round: a submission of many dispatches, then as many by themselves.
void DeviceRun::time(std::vector<Timed>* timed, std::vector<DeviceRow>* rows) {
  std::mt19937_64 random(options_.seed);
  std::vector<size_t> order(timed->size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<double> wall_ns(timed->size(), 0);
  std::vector<bool> done(timed->size(), false);
  const auto turn = [&](Timed& t) {
    Status s = t.contender.sample_together();
    for (int i = 0; i < 4 && s.ok(); ++i) s = t.contender.sample_alone();
    return s;
  };
  for (const size_t i : order)  // once untimed
    if (Status s = (*timed)[i].contender.run_once(); !s.ok()) give_up(&(*rows)[(*timed)[i].row], s), done[i] = true;
  while (std::find(done.begin(), done.end(), false) != done.end()) {
    std::shuffle(order.begin(), order.end(), random);
    for (const size_t i : order) {
      if (done[i]) continue;
      Timed& t = (*timed)[i];
      if (Status s = turn(t); !s.ok()) {
        give_up(&(*rows)[t.row], s);
        done[i] = true;
        continue;
      }
      wall_ns[i] += t.contender.together_ns().back() * static_cast<double>(kDispatches);
      done[i] = enough(t.contender, wall_ns[i]);
    }
  }
  for (const Timed& t : *timed) {
    DeviceRow& row = (*rows)[t.row];
    if (row.disposition != Disposition::passed) continue;
    const tune::Summary gpu = tune::summarize(t.contender.gpu_ns());
    row.timing.gpu.median_ms = gpu.median * 1e-6, row.timing.gpu.p95_ms = gpu.p95 * 1e-6;
    row.timing.gpu.min_ms = gpu.min * 1e-6, row.timing.gpu.spread = gpu.spread;
    row.timing.gpu.samples = gpu.samples;
    row.timing.alone_ms = tune::summarize(t.contender.alone_ns()).median * 1e-6;
    row.timing.together_ms = tune::summarize(t.contender.together_ns()).median * 1e-6;
  }
}

}  // namespace lathe::probe
