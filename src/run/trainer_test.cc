#include "run/trainer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "base/test_files.h"
#include "run/fake_train_model.h"

namespace lathe::run {
namespace {

constexpr int64_t kVocabulary = 13, kContext = 8;

// A text in which each id decides the next one mostly, so that there is something to learn.
class TrainerTest : public testing::Test {
 protected:
  TrainerTest() {
    std::vector<int32_t> ids(1000);
    for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<int32_t>((i * 5 + i / 7) % kVocabulary);
    auto writer = TokenShardWriter::create(folder_.path("shard"), kVocabulary);
    EXPECT_TRUE(writer->add(ids).ok());
    EXPECT_TRUE(writer->finish({.source = "", .vocabulary = kVocabulary, .train_count = 800}).ok());
    shard_ = TokenShard::open(folder_.path("shard")).value();
    windows_ = TokenWindows::create(*shard_, kContext, 1, "d").value();
    validation_ = ValidationWindows::create(*shard_, 800, kContext, 0, "d").value();
    settings_ = {.steps = 30, .batch = 2, .context = kContext, .accum = 3, .lr = 0.1, .eval_every = 5, .save_every = 7};
    EXPECT_TRUE(resolve(settings_, kContext).ok());
    hooks_.emit = [this](TrainEvent&& event) { events_.push_back(std::move(event)); };
  }

  std::unique_ptr<FakeTrainModel> model() const {
    models::TrainConfig config;
    config.vocabulary = kVocabulary;
    auto made = std::make_unique<FakeTrainModel>(config, models::TrainModel::Options{2, kContext});
    made->initialize(1);
    return made;
  }
  Result<Trainer::End> run(FakeTrainModel& model, TrainState state = {}, TrainState* reached = nullptr) {
    Trainer trainer(model, *windows_, &*validation_, settings_, state, hooks_);
    auto end = trainer.run();
    if (reached != nullptr) *reached = trainer.state();
    return end;
  }
  static bool same_bits(FakeTrainModel& a, FakeTrainModel& b) {
    const auto equal = [](std::span<const float> x, std::span<const float> y) {
      return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size_bytes()) == 0;
    };
    return equal(a.weights(), b.weights()) && equal(a.first_moments(), b.first_moments()) &&
           equal(a.second_moments(), b.second_moments());
  }
  std::vector<TrainEvent> of(TrainEvent::Kind kind) const {
    std::vector<TrainEvent> found;
    for (const TrainEvent& event : events_)
      if (event.kind == kind) found.push_back(event);
    return found;
  }

  FakeFolder folder_{"trainer"};
  std::optional<TokenShard> shard_;
  std::optional<TokenWindows> windows_;
  std::optional<ValidationWindows> validation_;
  TrainSettings settings_;
  TrainHooks hooks_;
  std::vector<TrainEvent> events_;
};

TEST_F(TrainerTest, LearnsAndTellsEverything) {
  auto m = model();
  const auto end = run(*m);
  ASSERT_TRUE(end.ok()) << end.status().message();
  EXPECT_EQ(*end, Trainer::End::finished);
  const auto steps = of(TrainEvent::Kind::step), evaluations = of(TrainEvent::Kind::evaluation);
  ASSERT_EQ(steps.size(), 30u);
  EXPECT_EQ(evaluations.size(), 6u);
  EXPECT_LT(steps.back().smoothed, steps.front().loss - 0.3);
  EXPECT_LT(evaluations.back().loss, evaluations.front().loss);
  EXPECT_EQ(steps[4].tokens, 3 * 2 * kContext);
  EXPECT_EQ(m->passes, 90);
}

// Nothing of a step's time is left out: the phases sum to it.
TEST_F(TrainerTest, PhasesSumToTheStep) {
  auto m = model();
  hooks_.sample = [] { return Result<std::string>(std::string("text")); };
  hooks_.sample_every = 10;
  ASSERT_TRUE(run(*m).ok());
  for (const TrainEvent& step : of(TrainEvent::Kind::step)) {
    double sum = 0;
    for (const auto& [name, seconds] : step.phases) sum += seconds;
    EXPECT_NEAR(sum, step.seconds, 1e-9);
  }
  EXPECT_EQ(of(TrainEvent::Kind::sample).size(), 3u);
}

// Stopped before any pass whatever, inside an accumulation too, and gone on with: the bits of a run that never stopped.
TEST_F(TrainerTest, ResumesToTheSameBitsFromAnywhere) {
  auto whole = model();
  TrainState end_state;
  ASSERT_TRUE(run(*whole, {}, &end_state).ok());
  for (int64_t stop_at = 0; stop_at < 90; stop_at += 1) {
    auto first = model();
    hooks_.stop = [&] { return first->passes >= stop_at; };
    TrainState state;
    const auto end = run(*first, {}, &state);
    ASSERT_TRUE(end.ok());
    ASSERT_EQ(*end, Trainer::End::stopped) << stop_at;
    EXPECT_EQ(state.step, stop_at / 3);
    hooks_.stop = nullptr;
    auto second = model();
    std::ranges::copy(first->weights(), second->weights().begin());
    std::ranges::copy(first->first_moments(), second->first_moments().begin());
    std::ranges::copy(first->second_moments(), second->second_moments().begin());
    TrainState reached;
    ASSERT_TRUE(run(*second, state, &reached).ok());
    EXPECT_TRUE(same_bits(*whole, *second)) << stop_at;
    EXPECT_EQ(reached.position, end_state.position);
    EXPECT_EQ(reached.best_step, end_state.best_step);
    EXPECT_EQ(reached.validation.value(), end_state.validation.value());
    EXPECT_EQ(reached.loss.value(), end_state.loss.value());
  }
}

TEST_F(TrainerTest, SavesWhenDueWhenBestAndAtTheEnd) {
  auto m = model();
  std::vector<std::pair<int64_t, bool>> saved;
  hooks_.save = [&](const TrainState& state, bool best) {
    saved.emplace_back(state.step, best);
    return Result<std::string>(std::string("somewhere"));
  };
  ASSERT_TRUE(run(*m).ok());
  const std::vector<std::pair<int64_t, bool>> needed = {{5, true},  {7, false},  {10, true}, {14, false}, {15, true},
                                                        {20, true}, {21, false}, {25, true}, {28, false}, {30, true}};
  EXPECT_EQ(saved, needed);
}

TEST_F(TrainerTest, AFailedSaveIsToldAndTheRunGoesOn) {
  auto m = model();
  int64_t calls = 0;
  hooks_.save = [&](const TrainState& state, bool) -> Result<std::string> {
    ++calls;
    return state.step < 30 ? Result<std::string>(io_error("x: No space left on device")) : std::string("x");
  };
  const auto end = run(*m);
  ASSERT_TRUE(end.ok()) << end.status().message();
  const auto warnings = of(TrainEvent::Kind::warning);
  ASSERT_FALSE(warnings.empty());
  EXPECT_NE(warnings.front().text.find("No space left on device; the checkpoints before it are kept"),
            std::string::npos);
  hooks_.save = [&](const TrainState&, bool) -> Result<std::string> { return io_error("full"); };
  auto other = model();
  EXPECT_EQ(run(*other).status().message(), "full");  // the last one failed
}

TEST_F(TrainerTest, ALossThatIsNotFiniteStopsBeforeTheWeightsChange) {
  auto m = model();
  m->fail_at = 20;  // in step 7
  m->ranges = {1, 2, NAN};
  std::vector<int64_t> saved;
  hooks_.save = [&](const TrainState& state, bool) {
    saved.push_back(state.step);
    return Result<std::string>(std::string(""));
  };
  TrainState state;
  const Status status = run(*m, {}, &state).status();
  EXPECT_NE(status.message().find("step 7: the loss is nan (layer 1 gave no finite numbers)"), std::string::npos)
      << status.message();
  EXPECT_EQ(state.step, 6);
  EXPECT_EQ(saved, std::vector<int64_t>{5});
}

}  // namespace
}  // namespace lathe::run
