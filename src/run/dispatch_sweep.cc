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

Result<std::vector<SweepRow>> sweep_dispatch(models::Encoder& encoder, const std::vector<SweepBatch>& batches,
                                             double seconds) {
  constexpr ops::Dispatch kWays[] = {ops::Dispatch::model, ops::Dispatch::layer, ops::Dispatch::op};
  std::vector<SweepRow> rows;
  for (const SweepBatch& sizes : batches) {
    Batch batch = random_batch(encoder, sizes);
    Status status;
    const auto pass = [&](ops::Dispatch way) {
      encoder.set_dispatch(way);
      const models::PoolOptions pooling = {.modes = kMean, .keep = encoder.sizes().width};
      if (Status s = encoder.run({.ids = batch.ids, .offsets = batch.offsets}, pooling, batch.out.data()); !s.ok())
        status = s;
    };
    pass(ops::Dispatch::model);  // an error shows here, before anything is timed
    std::vector<tune::Contender> contenders;
    for (const ops::Dispatch way : kWays) contenders.push_back({.call = [&pass, way] { pass(way); }});
    if (status.ok()) {
      const auto measured = tune::measure_interleaved(contenders, {.seconds = seconds});
      SweepRow row = {.texts = sizes.texts, .tokens = static_cast<int64_t>(batch.ids.size())};
      for (size_t i = 0; i < std::size(kWays); ++i) {
        row.wall_ns[i] = measured[i].wall_ns.median;
        row.cpu_ns[i] = measured[i].cpu_ns.median;
      }
      rows.push_back(row);
    }
    encoder.set_dispatch(ops::Dispatch::model);
    if (!status.ok()) return status;
  }
  return rows;
}

}  // namespace lathe::run
