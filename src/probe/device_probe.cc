#include "probe/device_probe.h"

#include <algorithm>
#include <ctime>
#include <numeric>
#include <random>

#include "base/checked.h"
#include "platform/machine.h"
#include "probe/candidates.h"
#include "probe/device_contender.h"
#include "probe/verify.h"
#include "tune/measure.h"

namespace lathe::probe {
namespace {

// Above the last caches of today's cards (96 MiB; 256 where data centres have them).
constexpr int64_t kColdBytes = int64_t{512} << 20;
// A software driver computes on the CPU, whose caches are smaller and whose memory is ours.
constexpr int64_t kColdBytesOnCpu = int64_t{64} << 20;
constexpr int64_t kDispatches = 32;  // of a submission; a decoder's step has some hundred
constexpr double kPatience = 4;      // times `seconds` of wall time, however few samples that gives

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32] = {};
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

bool wanted(const DeviceOptions& options, const gpu::MatmulVariant& variant) {
  return options.variants.empty() || std::any_of(options.variants.begin(), options.variants.end(),
                                                 [&](const auto& glob) { return matches_glob(glob, variant.name); });
}

Status check_options(const DeviceOptions& o) {
  if (!(o.seconds > 0) || o.seconds > 3600)
    return invalid_argument("seconds is " + std::to_string(o.seconds) + ": expected more than 0 and at most 3600");
  if (o.samples < 1) return invalid_argument("samples is " + std::to_string(o.samples) + ": expected at least 1");
  const auto all = gpu::matmul_variants();
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

class DeviceRun {
 public:
  DeviceRun(std::shared_ptr<gpu::Device> device, Team& team, const DeviceOptions& options)
      : device_(std::move(device)), team_(team), options_(options) {}

  std::vector<DeviceRow> run(const Shape& shape, int64_t index);

 private:
  struct Timed {
    size_t row;
    DeviceContender contender;
  };
  int64_t cold_bytes() const;
  Status prepare(const Shape& shape, const gpu::MatmulProblem& problem);
  void take(const gpu::MatmulProblem& problem, const std::vector<size_t>& rows, std::vector<DeviceRow>* all);
  Status judge(const gpu::MatmulVariant& variant, const gpu::MatmulProblem& problem, DeviceRow* row,
               std::vector<Timed>* timed, size_t index);
  void time(std::vector<Timed>* timed, std::vector<DeviceRow>* rows);
  bool enough(const DeviceContender& contender, double wall_ns) const;

  std::shared_ptr<gpu::Device> device_;
  Team& team_;
  const DeviceOptions& options_;
  std::unique_ptr<Operands> host_;
  std::unique_ptr<DeviceOperands> operands_;
  std::unique_ptr<Reference> reference_;
};

void give_up(DeviceRow* row, const Status& status) {
  row->disposition = status.code() == Code::unsupported ? Disposition::not_supported : Disposition::failed;
  row->reason = status.message();
}

int64_t DeviceRun::cold_bytes() const {
  if (options_.hot) return 1;
  return device_->info().kind == gpu::DeviceKind::cpu ? kColdBytesOnCpu : kColdBytes;
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
  const auto problem = device_problem(shape.problem);
  std::vector<DeviceRow> rows;
  std::map<gpu::WeightLayout, std::vector<size_t>> taking;  // of each layout: the weights of one are there at a time
  for (const gpu::MatmulVariant& variant : gpu::matmul_variants()) {
    if (!wanted(options_, variant)) continue;
    if (problem && options_.variants.empty() && variant.w != problem->w) continue;  // says nothing of the shape
    DeviceRow row;
    row.shape = index, row.variant = variant.name, row.layout = gpu::layout_name(variant.layout);
    row.disposition = Disposition::not_supported;
    row.reason = problem ? gpu::matmul_refusal(variant, *problem, device_->info()) : problem.status().message();
    if (row.reason.empty()) taking[variant.layout].push_back(rows.size());
    rows.push_back(std::move(row));
  }
  if (taking.empty()) return rows;
  if (Status s = prepare(shape, *problem); !s.ok()) {
    for (const auto& [layout, taken] : taking)
      for (const size_t i : taken) give_up(&rows[i], s);
    return rows;
  }
  for (const auto& [layout, taken] : taking) take(*problem, taken, &rows);
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
  const Verdict verdict = verify(*host_, *reference_, Numerics::f32);
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

void rate(DeviceReport* report) {
  std::vector<DeviceRow*> best(report->shapes.size(), nullptr);
  for (DeviceRow& row : report->rows) {
    if (row.disposition != Disposition::passed || row.timing.gpu.samples == 0) continue;
    const matmul::Problem& p = report->shapes[static_cast<size_t>(row.shape)].problem;
    const gpu::MatmulVariant& variant = *gpu::find_matmul_variant(row.variant);
    const int64_t columns = p.gated ? 2 * p.n : p.n;
    const double ns = row.timing.gpu.median_ms * 1e6;
    const auto size = gpu::packed_size(variant.w, variant.layout, columns, p.k);
    const double bytes = static_cast<double>((size ? size->bytes : 0) + (p.m * p.k + p.m * p.n) * 4);
    row.gbps = bytes / ns;
    row.gflops = 2 * static_cast<double>(p.m) * static_cast<double>(columns) * static_cast<double>(p.k) / ns;
    row.share = report->copy_gbps > 0 ? row.gbps / report->copy_gbps : 0;
    DeviceRow*& leader = best[static_cast<size_t>(row.shape)];
    if (leader == nullptr || row.timing.gpu.median_ms < leader->timing.gpu.median_ms) leader = &row;
  }
  for (DeviceRow* row : best)
    if (row != nullptr) row->best = true;
}

}  // namespace

Result<gpu::MatmulProblem> device_problem(const matmul::Problem& p) {
  using matmul::Type;
  const auto no = [](const std::string& what) { return unsupported("on a GPU: " + what); };
  if (p.a != Type::f32 || p.c != Type::f32) return no("activations and outputs are f32");
  if (p.order != matmul::Order::nk || p.a_transposed) return no("W is [N,K] and A [M,K]");
  if (!p.prepared) return no("weights are prepared");
  if (p.batch != 1) return no("products of a batch are not one dispatch");
  if (p.col_scale) return no("columns have no scale of their own");
  gpu::MatmulProblem d;
  switch (p.w) {
    case Type::f32:
      d.w = gpu::WeightType::f32;
      break;
    case Type::f16:
      d.w = gpu::WeightType::f16;
      break;
    case Type::q8_0:
      d.w = gpu::WeightType::q8_0;
      break;
    case Type::q4_0:
      d.w = gpu::WeightType::q4_0;
      break;
    default:
      return no("weights are f32, f16, q8_0 or q4_0");
  }
  d.m = p.m, d.n = p.n, d.k = p.k;
  d.gated = p.gated, d.bias = p.bias, d.residual = p.residual, d.accumulate = p.accumulate;
  d.act = static_cast<gpu::Activation>(p.act);
  return d;
}

static_assert(static_cast<int>(matmul::Activation::silu) == static_cast<int>(gpu::Activation::silu) &&
              static_cast<int>(matmul::Activation::gelu_erf) == static_cast<int>(gpu::Activation::gelu_erf));

Result<DeviceReport> run_device_probe(const std::vector<Shape>& shapes, const DeviceOptions& options,
                                      const std::function<void(int64_t, int64_t, std::string_view)>& progress) {
  if (Status status = check_options(options); !status.ok()) return status;
  const auto instance = gpu::Instance::create();
  if (!instance) return instance.status();
  auto device = (*instance)->open(options.device);
  if (!device) return device.status();
  auto team = Team::create({.threads = this_machine().threads});
  if (!team) return team.status();
  DeviceReport report;
  report.device = (*device)->info();
  report.shapes = shapes;
  report.hot = options.hot;
  report.dispatches = kDispatches;
  report.date = utc_now();
  const bool on_cpu = report.device.kind == gpu::DeviceKind::cpu;
  if (on_cpu) report.notes.push_back("the device computes on the CPU: its times say nothing of a GPU's");
  const int64_t copied = on_cpu ? kColdBytesOnCpu : kColdBytes;
  auto before = measure_copy(**device, copied);
  if (!before) return before.status();
  DeviceRun run(*device, **team, options);
  const auto total = static_cast<int64_t>(shapes.size());
  for (int64_t i = 0; i < total; ++i) {
    if (progress) progress(i, total, shapes[static_cast<size_t>(i)].name);
    auto rows = run.run(shapes[static_cast<size_t>(i)], i);
    std::move(rows.begin(), rows.end(), std::back_inserter(report.rows));
  }
  if (progress) progress(total, total, "");
  const auto after = measure_copy(**device, copied);
  report.copy_gbps = std::max(*before, after ? *after : 0.0);
  rate(&report);
  return report;
}

}  // namespace lathe::probe
