#include "run/dispatch_sweep.h"

#include <random>

#include "tune/measure.h"

namespace lathe::run {
namespace {

constexpr Pooling kMean[] = {Pooling::mean};

struct Batch {
  std::vector<int32_t> ids;
  std::vector<int64_t> offsets{0};
  std::vector<float> out;
};

Batch random_batch(const models::Encoder& encoder, const SweepBatch& sizes) {
  Batch batch;
  std::mt19937 random(5);
  for (int64_t i = 0; i < sizes.texts * sizes.tokens_each; ++i)
    batch.ids.push_back(static_cast<int32_t>(random() % static_cast<uint32_t>(encoder.sizes().vocabulary)));
  for (int64_t i = 1; i <= sizes.texts; ++i) batch.offsets.push_back(i * sizes.tokens_each);
  batch.out.resize(static_cast<size_t>(sizes.texts * encoder.sizes().width));
  return batch;
}

}  // namespace

Result<SweepRow> sweep_pass(const std::function<Status(ops::Dispatch)>& pass, double seconds) {
  constexpr ops::Dispatch kWays[] = {ops::Dispatch::model, ops::Dispatch::layer, ops::Dispatch::op};
  Status status = pass(ops::Dispatch::model);  // an error shows here, before anything is timed
  if (!status.ok()) return status;
  std::vector<tune::Contender> contenders;
  for (const ops::Dispatch way : kWays)
    contenders.push_back({.call = [&, way] {
      if (Status s = pass(way); !s.ok()) status = s;
    }});
  const auto measured = tune::measure_interleaved(contenders, {.seconds = seconds});
  if (!status.ok()) return status;
  SweepRow row;
  for (size_t i = 0; i < std::size(kWays); ++i) {
    row.wall_ns[i] = measured[i].wall_ns.median;
    row.cpu_ns[i] = measured[i].cpu_ns.median;
  }
  return row;
}

Result<std::vector<SweepRow>> sweep_dispatch(models::Encoder& encoder, const std::vector<SweepBatch>& batches,
                                             double seconds) {
  std::vector<SweepRow> rows;
  for (const SweepBatch& sizes : batches) {
    Batch batch = random_batch(encoder, sizes);
    const models::PoolOptions pooling = {.modes = kMean, .keep = encoder.sizes().width};
    auto row = sweep_pass(
        [&](ops::Dispatch way) {
          encoder.set_dispatch(way);
          return encoder.run({.ids = batch.ids, .offsets = batch.offsets}, pooling, batch.out.data());
        },
        seconds);
    encoder.set_dispatch(ops::Dispatch::model);
    if (!row) return row.status();
    row->texts = sizes.texts;
    row->tokens = static_cast<int64_t>(batch.ids.size());
    rows.push_back(*row);
  }
  return rows;
}

}  // namespace lathe::run
