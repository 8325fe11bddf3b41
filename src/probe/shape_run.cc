#include "probe/shape_run.h"

#include <algorithm>
#include <map>

#include "ops/matmul.h"
#include "platform/clock.h"
#include "probe/contender.h"
#include "probe/verify.h"
#include "tune/measure.h"

namespace lathe::probe {

using matmul::Problem;
using matmul::Type;
using matmul::Variant;

namespace {

constexpr const char* kScalarUnasked =
    "the scalar variants define the others and are timed when they are asked for by name or instruction set";

Row row_of(int64_t shape, std::string variant, std::string provider) {
  Row row;
  row.shape = shape;
  row.variant = std::move(variant);
  row.provider = std::move(provider);
  return row;
}

void give_up(Row* row, Disposition disposition, std::string reason) {
  row->disposition = disposition;
  row->reason = std::move(reason);
}

bool has_epilogue(const Problem& p) {
  return p.act != matmul::Activation::none || p.gated || p.bias || p.residual || p.accumulate || p.col_scale;
}

// A row for every variant and library routine; those that cannot take part say why, and the others stay not_verified
// with an empty reason.
std::vector<Row> list_rows(const ShapeRun& run, const Problem& problem, int64_t index) {
  std::vector<Row> rows;
  bool vector_variant = false;
  for (const Variant* variant : run.candidates.variants) {
    rows.push_back(row_of(index, variant->name, "lathe"));
    if (std::string reason = matmul::refusal(*variant, problem, run.features); !reason.empty())
      give_up(&rows.back(), Disposition::not_supported, std::move(reason));
    else
      vector_variant |= variant->isa != Isa::scalar;
  }
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i].reason.empty() && vector_variant && !run.candidates.scalar_wanted &&
        run.candidates.variants[i]->isa == Isa::scalar)
      rows[i].reason = kScalarUnasked;
  for (const tune::Provider* provider : run.candidates.providers)
    for (const char* routine : {provider->sgemm_routine(), provider->prepared_routine()}) {
      if (routine == nullptr) continue;
      rows.push_back(row_of(index, routine, provider->name()));
      if (std::string reason = provider_refusal(*provider, problem); !reason.empty())
        give_up(&rows.back(), Disposition::not_supported, std::move(reason));
    }
  return rows;
}

bool takes_part(const Row& row) { return row.disposition == Disposition::not_verified && row.reason.empty(); }

Result<Contender> make_contender(const ShapeRun& run, const Row& row, Operands& operands) {
  if (row.provider == "lathe") return our_contender(*matmul::find_variant(row.variant), operands, run.team);
  for (const tune::Provider* provider : run.candidates.providers) {
    if (provider->name() != row.provider) continue;
    if (row.variant == provider->sgemm_routine()) return sgemm_contender(*provider, operands);
    return prepared_contender(*provider, operands);
  }
  return failed("no such contender");
}

WeightKey weight_key(const Problem& p, bool packed, int64_t copies, uint64_t seed) {
  WeightKey key;
  key.n = p.n, key.k = p.k;
  key.matrices = p.prepared ? 1 : p.batch;
  key.copies = copies;
  key.type = p.w, key.order = p.order;
  key.gated = p.gated, key.packed = packed;
  key.seed = seed;
  return key;
}

Result<Operands> make_operands(ShapeRun& run, const Problem& p, int64_t copies, bool plain) {
  const WeightKey key = weight_key(p, p.prepared, copies, run.options.seed);
  if (run.weights == nullptr || !(run.weights->key() == key)) {
    run.weights.reset();  // before the new ones: both at once may not fit
    auto weights = WeightOperands::create(key, run.team);
    if (!weights) return weights.status();
    run.weights = std::move(*weights);
  }
  return Operands::create(p, run.weights, p.prepared ? 1 : copies, plain, run.options.seed, run.team);
}

class Judge {
 public:
  Judge(const ShapeRun& run, Operands& operands) : run_(run), operands_(operands) {
    if (run.options.verify)
      reference_ = std::make_unique<Reference>(Reference::create(operands, run.options.seed, run.team));
  }

  // Runs `contender` once, on poisoned output, and says in `row` what came of it. Nanoseconds of that call.
  double judge(const Contender& contender, Row* row) {
    operands_.poison();
    const int64_t start = now_ns();
    contender.run(0);
    const double ns = static_cast<double>(now_ns() - start);
    if (reference_ == nullptr) return ns;
    const Verdict verdict =
        contender.plain ? verify_plain(operands_, *reference_) : verify(operands_, *reference_, contender.numerics);
    row->max_rel = verdict.max_rel, row->nmse = verdict.nmse;
    row->disposition = verdict.correct ? Disposition::passed : Disposition::incorrect;
    row->reason = verdict.reason;
    if (verdict.correct && run_.options.bitwise && !contender.plain) compare_bits(contender, row);
    return ns;
  }

 private:
  // Again, on the last copy of the operands, and against the first variant of the same numerics.
  void compare_bits(const Contender& contender, Row* row) {
    const uint64_t hash = hash_of_c(operands_);
    operands_.poison();
    contender.run(operands_.w->key().copies - 1);
    if (hash_of_c(operands_) != hash) return give_up(row, Disposition::incorrect, "two runs gave different bits");
    const auto [first, is_first] = bits_.emplace(contender.numerics_name, std::pair(hash, row->variant));
    if (!is_first && first->second.first != hash)
      give_up(row, Disposition::incorrect,
              "its bits differ from those of " + first->second.second + ", which has the same numerics");
  }

  const ShapeRun& run_;
  Operands& operands_;
  std::unique_ptr<Reference> reference_;
  std::map<std::string, std::pair<uint64_t, std::string>> bits_;  // of each numerics: the first variant's
};

Timing timing_of(const tune::Measured& m) {
  Timing t;
  t.median_ms = m.wall_ns.median * 1e-6, t.p95_ms = m.wall_ns.p95 * 1e-6, t.min_ms = m.wall_ns.min * 1e-6;
  t.spread = m.wall_ns.spread;
  t.cpu_median_ms = m.cpu_ns.median * 1e-6;
  t.samples = m.wall_ns.samples;
  t.settled = m.settled;
  return t;
}

void time_contenders(const ShapeRun& run, const std::vector<Contender>& contenders, std::vector<double> expected_ns,
                     std::vector<Row>* rows) {
  std::vector<tune::Contender> timed;
  for (size_t i = 0; i < contenders.size(); ++i)
    timed.push_back({[run = contenders[i].run, call = int64_t{0}]() mutable { run(call++); }, expected_ns[i]});
  tune::MeasureOptions options;
  options.seconds = run.options.seconds;
  options.samples = run.options.samples;
  options.seed = run.options.seed;
  const auto measured = tune::measure_interleaved(timed, options);
  for (size_t i = 0; i < contenders.size(); ++i)
    (*rows)[static_cast<size_t>(contenders[i].row)].timing = timing_of(measured[i]);
}

void mark_chosen(const ShapeRun& run, const Problem& problem, std::vector<Row>* rows) {
  const Variant* chosen = run.options.plan ? run.options.plan(problem, run.team.size()) : nullptr;
  if (chosen == nullptr)
    if (auto regime = ops::choose_variant(problem, run.features)) chosen = *regime;
  for (Row& row : *rows) row.chosen = chosen != nullptr && row.provider == "lathe" && row.variant == chosen->name;
}

}  // namespace

ShapeRun::Outcome ShapeRun::run(const Shape& shape, int64_t index) {
  const Problem& problem = shape.problem;
  Outcome outcome;
  std::vector<Row>& rows = outcome.rows = list_rows(*this, problem, index);
  mark_chosen(*this, problem, &rows);
  const auto fail_all = [&](const Status& status) {
    for (Row& row : rows)
      if (takes_part(row)) give_up(&row, Disposition::failed, status.message());
  };
  if (std::none_of(rows.begin(), rows.end(), takes_part)) return outcome;

  const bool plain =
      std::any_of(rows.begin(), rows.end(), [](const Row& row) { return takes_part(row) && row.provider != "lathe"; });
  auto rotation = plan_rotation(problem, options.hot, plain ? 3 : 2, memory);
  if (!rotation) return fail_all(rotation.status()), outcome;
  outcome.rotation = *rotation;
  auto operands = make_operands(*this, problem, rotation->copies, plain);
  if (!operands) return fail_all(operands.status()), outcome;

  Judge judge(*this, *operands);
  std::vector<Contender> contenders;
  std::vector<double> expected_ns;
  for (size_t i = 0; i < rows.size(); ++i) {
    if (!takes_part(rows[i])) continue;
    auto contender = make_contender(*this, rows[i], *operands);
    if (!contender) {
      const bool refused = contender.status().code() == Code::unsupported;
      give_up(&rows[i], refused ? Disposition::not_supported : Disposition::failed, contender.status().message());
      continue;
    }
    contender->row = static_cast<int64_t>(i);
    const double ns = judge.judge(*contender, &rows[i]);
    if (rows[i].disposition == Disposition::incorrect) continue;
    if (contender->plain && has_epilogue(problem)) rows[i].reason = "without epilogue";
    contenders.push_back(std::move(*contender));
    expected_ns.push_back(ns);
  }
  time_contenders(*this, contenders, std::move(expected_ns), &rows);
  return outcome;
}

namespace {
// The ceiling of a row's arithmetic, and its name.
std::pair<const char*, double> arithmetic_of(const Variant* variant, const Ceilings& of) {
  switch (variant == nullptr ? Numerics::f32 : numerics_of(variant->numerics)) {
    case Numerics::f32:
      return {"fma", of.fma_gflops};
    case Numerics::b16:
      return {"bf16", of.bf16_gflops};
    case Numerics::a8:
    case Numerics::a7:
      return {"byte", of.byte_gops};
    case Numerics::a16:
    case Numerics::a16r:
    case Numerics::s32:
    case Numerics::h16:  // of devices
      break;
  }
  return {"int", of.int_gops};
}
}  // namespace

void rate_rows(const Shape& shape, const Rotation& rotation, const Ceilings& ceilings, std::span<Row> rows) {
  constexpr double kClockError = 0.01;
  const ops::Cost cost = ops::cost(shape.problem);
  Row *best_of_ours = nullptr, *best = nullptr;
  const auto faster = [](const Row& row, const Row* than) {
    return than == nullptr || row.timing.median_ms < than->timing.median_ms;
  };
  for (Row& row : rows) {
    if (row.timing.samples == 0) continue;
    const double seconds = row.timing.median_ms * 1e-3;
    row.gflops = cost.flops / seconds * 1e-9;
    row.gbps = cost.bytes / seconds * 1e-9;
    const Variant* variant = row.provider == "lathe" ? matmul::find_variant(row.variant) : nullptr;
    const auto [arithmetic, rate] = arithmetic_of(variant, ceilings);
    const double compute = rate > 0 ? cost.flops / rate * 1e-9 : 0;
    const double read = rotation.cold && ceilings.read_gbps > 0 ? rotation.cold_bytes / ceilings.read_gbps * 1e-9 : 0;
    row.ceiling = read > compute ? "read" : arithmetic;
    row.share = std::max(read, compute) / seconds;
    row.above_ceiling = row.share > 1 + std::max(kClockError, row.timing.spread);
    if (row.disposition != Disposition::passed || row.above_ceiling) continue;
    if (row.provider == "lathe" && faster(row, best_of_ours)) best_of_ours = &row;
    if (faster(row, best)) best = &row;
  }
  if (best_of_ours != nullptr) best_of_ours->best_of_ours = true;
  if (best != nullptr) best->best_overall = true;
}

}  // namespace lathe::probe
