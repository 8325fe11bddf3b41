// Trainers of several ranks, as threads of this process: the bits of one.
#include "run/train_ranks.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>

#include "base/test_files.h"
#include "models/test_train.h"
#include "ranks/fake_transport.h"
#include "run/trainer.h"

namespace lathe::run {
namespace {

constexpr int64_t kContext = 8;

struct Ended {
  std::vector<float> weights, moments;
  TrainState state;
  std::vector<TrainEvent> events;

  bool same_bits(const Ended& other) const {
    const auto equal = [](const std::vector<float>& a, const std::vector<float>& b) {
      return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
    };
    return equal(weights, other.weights) && equal(moments, other.moments) && state.step == other.state.step &&
           state.position == other.state.position && state.loss.value() == other.state.loss.value() &&
           state.validation.value() == other.state.validation.value() && state.best_step == other.state.best_step;
  }
};

class TrainRanksTest : public testing::Test {
 protected:
  TrainRanksTest() {
    std::vector<int32_t> ids(1000);
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>((i * 5 + i / 7) % 37);
    auto writer = TokenShardWriter::create(folder_.path("shard"), 37);
    EXPECT_TRUE(writer->add(ids).ok());
    EXPECT_TRUE(writer->finish({.source = "", .vocabulary = 37, .train_count = 800}).ok());
    shard_ = TokenShard::open(folder_.path("shard")).value();
    windows_ = TokenWindows::create(*shard_, kContext, 1, "d").value();
    validation_ = ValidationWindows::create(*shard_, 800, kContext, 0, "d").value();
    settings_ = {.steps = 6, .batch = 2, .context = kContext, .accum = 5, .lr = 0.01, .eval_every = 2, .save_every = 3};
    EXPECT_TRUE(resolve(settings_, kContext).ok());
  }

  // From where `from` ended, if anywhere. `stop` is asked of each rank.
  Ended train(ranks::Group* group, const Ended* from = nullptr, bool in_order = true,
              const std::function<bool(int64_t rank, int64_t asked)>& stop = {}) const {
    models::testing::TestTrainer trainer(models::testing::train_cases().front().config,
                                         {.windows = 2, .length = kContext, .accumulate = true}, 2);
    if (from != nullptr) {
      std::ranges::copy(from->weights, trainer.model->weights().begin());
      std::ranges::copy(std::span(from->moments).first(from->weights.size()), trainer.model->first_moments().begin());
      std::ranges::copy(std::span(from->moments).last(from->weights.size()), trainer.model->second_moments().begin());
    }
    Ended ended;
    TrainHooks hooks;
    hooks.emit = [&](TrainEvent&& event) { ended.events.push_back(std::move(event)); };
    int64_t asked = 0;
    if (stop) hooks.stop = [&] { return stop(group == nullptr ? 0 : group->rank(), asked++); };
    hooks.group = group;
    hooks.reduce_in_order = in_order;
    Trainer run(*trainer.model, *windows_, &*validation_, settings_, from == nullptr ? TrainState() : from->state,
                hooks);
    const auto end = run.run();
    EXPECT_TRUE(end.ok()) << end.status().message();
    ended.state = run.state();
    ended.weights = trainer.weights();
    for (const auto moments : {trainer.model->first_moments(), trainer.model->second_moments()})
      ended.moments.insert(ended.moments.end(), moments.begin(), moments.end());
    return ended;
  }
  std::array<Ended, 4> on_ranks(int size, const Ended* from = nullptr, bool in_order = true,
                                const std::function<bool(int64_t rank, int64_t asked)>& stop = {}) const {
    std::array<Ended, 4> all;
    ranks::on_fake_ranks(size, {}, [&](ranks::Group& group) {
      all[static_cast<size_t>(group.rank())] = train(&group, from, in_order, stop);
      EXPECT_TRUE(group.leave(""));
    });
    return all;
  }

  FakeFolder folder_{"train_ranks"};
  std::optional<TokenShard> shard_;
  std::optional<TokenWindows> windows_;
  std::optional<ValidationWindows> validation_;
  TrainSettings settings_;
};

TEST_F(TrainRanksTest, AnyNumberHasTheBitsOfOne) {
  for (const int64_t accum : {4, 5}) {
    settings_.accum = accum;
    const Ended alone = train(nullptr);
    for (const int size : {1, 2, 3, 4}) {
      const auto all = on_ranks(size);
      for (int rank = 0; rank < size; ++rank)
        EXPECT_TRUE(all[static_cast<size_t>(rank)].same_bits(alone))
            << accum << " passes, rank " << rank << "/" << size;
    }
  }
}

TEST_F(TrainRanksTest, FastIsTheSameEverywhereAndCloseToOne) {
  const Ended alone = train(nullptr);
  const auto all = on_ranks(2, nullptr, false);
  EXPECT_TRUE(all[0].same_bits(all[1]));
  double square = 0, difference = 0;
  for (size_t i = 0; i < alone.weights.size(); ++i) {
    square += std::pow(alone.weights[i], 2.0);
    difference += std::pow(alone.weights[i] - all[0].weights[i], 2.0);
  }
  EXPECT_LT(std::sqrt(difference / square), 1e-4);
}

// A signal to one rank: all end behind the same step, and another number of ranks goes on from there.
TEST_F(TrainRanksTest, OneThatStopsStopsAllAndOthersGoOn) {
  const Ended whole = train(nullptr);
  const auto stopped = on_ranks(2, nullptr, true, [](int64_t rank, int64_t asked) { return rank == 1 && asked > 7; });
  EXPECT_TRUE(stopped[0].same_bits(stopped[1]));
  EXPECT_EQ(stopped[0].state.step, 2);  // three rounds a step
  EXPECT_TRUE(train(nullptr, &stopped[0]).same_bits(whole));
  EXPECT_TRUE(on_ranks(3, &stopped[0])[2].same_bits(whole));
}

TEST_F(TrainRanksTest, WaitingIsAPhaseAndNothingIsLeftOut) {
  const auto all = on_ranks(2);
  for (const TrainEvent& event : all[0].events) {
    if (event.kind != TrainEvent::Kind::step) continue;
    double sum = 0;
    bool network = false;
    for (const auto& [name, seconds] : event.phases) {
      sum += seconds;
      network = network || name == "network";
    }
    EXPECT_TRUE(network);
    EXPECT_NEAR(sum, event.seconds, 1e-9);
    EXPECT_EQ(event.tokens, 5 * 2 * kContext);  // of all ranks
  }
}

}  // namespace
}  // namespace lathe::run
