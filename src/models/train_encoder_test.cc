#include "models/train_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "models/test_bert.h"
#include "models/test_train.h"

namespace lathe::models {
namespace {

using testing::TestBert;
using testing::TestTexts;

// A batch of texts of these lengths, anchors first, each a text of its own.
struct Batch {
  TestTexts texts;
  std::vector<int32_t> identity;
  int64_t pairs;
  bool negatives;

  Batch(std::initializer_list<int64_t> lengths, bool with_negatives)
      : texts(lengths, 60),
        pairs(static_cast<int64_t>(lengths.size()) / (with_negatives ? 3 : 2)),
        negatives(with_negatives) {
    for (size_t i = 0; i < lengths.size(); ++i) identity.push_back(static_cast<int32_t>(i));
  }
  operator ContrastBatch() const { return {{texts.ids, texts.offsets}, identity, pairs, negatives, 0.4f}; }
};

const Batch& plain() {
  static const Batch batch({3, 1, 70, 17, 5, 64, 9, 2}, false);
  return batch;
}
const Batch& with_negatives() {
  static const Batch batch({3, 1, 20, 17, 5, 33, 9, 2, 6}, true);
  return batch;
}

struct Trained {
  TestBert bert;
  std::unique_ptr<Team> team;
  std::unique_ptr<TrainEncoder> model;

  explicit Trained(const Batch& batch, int threads = 1, int64_t first_position = 0)
      : bert("", first_position), team(std::move(*Team::create({.threads = threads}))) {
    auto made = TrainEncoder::create(bert.config, options(batch), *team);
    EXPECT_TRUE(made.ok()) << made.status().message();
    model = std::move(*made);
    const auto table = bert.table();
    for (const TrainTensor& tensor : model->tensors()) {
      const auto found = table->require(tensor.name, Shape(tensor.shape));
      EXPECT_TRUE(found.ok()) << found.status().message();
      std::memcpy(model->weights().data() + tensor.offset, (*found)->bytes.data(), (*found)->bytes.size());
    }
  }
  static TrainEncoder::Options options(const Batch& batch) {
    return {batch.pairs, static_cast<int64_t>(batch.texts.ids.size()), 70, batch.negatives};
  }
  double backward(const ContrastBatch& batch, bool accumulate = false, float scale = 1) {
    const auto loss = model->backward(batch, accumulate, scale);
    EXPECT_TRUE(loss.ok()) << loss.status().message();
    return loss ? *loss : 0;
  }
  double evaluate(const ContrastBatch& batch) { return model->evaluate(batch)->loss; }
  std::vector<float> gradients() const { return {model->gradients().begin(), model->gradients().end()}; }
};

// The derivative of the loss along `direction` (of a tensor), by differences of fourth order.
double derivative(Trained& trained, const Batch& batch, const TrainTensor& tensor,
                  const std::vector<double>& direction) {
  const std::span<float> w = trained.model->weights().subspan(static_cast<size_t>(tensor.offset), direction.size());
  const std::vector<float> before(w.begin(), w.end());
  const double steps[] = {-2e-2, -1e-2, 1e-2, 2e-2};
  double loss[4], step[4];
  for (int s = 0; s < 4; ++s) {
    step[s] = 0;  // as it was rounded
    for (size_t i = 0; i < w.size(); ++i) {
      w[i] = before[i] + static_cast<float>(steps[s] * direction[i]);
      step[s] += (static_cast<double>(w[i]) - before[i]) * direction[i];
    }
    loss[s] = trained.evaluate(batch);
  }
  std::ranges::copy(before, w.begin());
  const double inner = (loss[2] - loss[1]) / (step[2] - step[1]), outer = (loss[3] - loss[0]) / (step[3] - step[0]);
  return (4 * inner - outer) / 3;
}

// Along the gradient itself, and along two random directions, which see what the gradient lacks.
TEST(TrainEncoder, GradientsAreThoseOfTheLoss) {
  for (const Batch* batch : {&plain(), &with_negatives()}) {
    Trained trained(*batch);
    trained.backward(*batch);
    const std::vector<float> gradients = trained.gradients();
    for (const TrainTensor& tensor : trained.model->tensors()) {
      const std::span<const float> g =
          std::span(gradients).subspan(static_cast<size_t>(tensor.offset), static_cast<size_t>(tensor.size));
      double norm = 0;
      for (const float x : g) norm += double{x} * x;
      norm = std::sqrt(norm);
      // What is added to all scores of a query alike changes nothing.
      const bool none = tensor.name.ends_with("key.bias");
      ASSERT_TRUE(none ? norm < 1e-5 : norm > 1e-3) << tensor.name << " has a gradient of norm " << norm;
      for (uint64_t d = none ? 1 : 0; d < 3; ++d) {
        std::vector<double> direction(g.size());
        double square = 0, expected = 0;
        for (size_t i = 0; i < g.size(); ++i) {
          direction[i] = d == 0 ? double{g[i]} : static_cast<double>(testing::noise(100 + d, i));
          square += direction[i] * direction[i];
        }
        for (size_t i = 0; i < g.size(); ++i) {
          direction[i] /= std::sqrt(square);
          expected += direction[i] * g[i];
        }
        EXPECT_NEAR(derivative(trained, *batch, tensor, direction), expected, 1e-3 * norm + 3e-5)
            << tensor.name << " along direction " << d;
      }
    }
  }
}

TEST(TrainEncoder, VectorsAreTheEncoders) {
  for (const int64_t first_position : {0, 2}) {
    Trained trained(plain(), 2, first_position);
    trained.evaluate(plain());
    const auto found = trained.model->vectors();
    for (size_t i = 0; i < 8; ++i) {
      const auto exact = trained.bert.embed(plain().texts.text(i));
      for (size_t j = 0; j < exact.size(); ++j) EXPECT_NEAR(found[i * exact.size() + j], exact[j], 3e-6) << i;
    }
  }
}

// The loss once more, from the vectors, with the candidates that `seen` keeps.
template <class Seen>
double loss_of(std::span<const float> vectors, const Batch& batch, Seen seen) {
  const size_t pairs = static_cast<size_t>(batch.pairs), texts = batch.identity.size(), width = 48;
  const auto score = [&](size_t a, size_t b) {
    double sum = 0;
    for (size_t j = 0; j < width; ++j) sum += double{vectors[a * width + j]} * vectors[b * width + j];
    return sum / 0.4;
  };
  double loss = 0;
  for (size_t i = 0; i < pairs; ++i) {
    double sum = 0;
    for (size_t c = pairs; c < texts; ++c)
      if (seen(i, c)) sum += std::exp(score(i, c));
    loss += (std::log(sum) - score(i, pairs + i)) / static_cast<double>(pairs);
  }
  return loss;
}

TEST(TrainEncoder, LossIsTheFormulas) {
  for (const Batch* batch : {&plain(), &with_negatives()}) {
    Trained trained(*batch);
    const double found = trained.evaluate(*batch);
    EXPECT_NEAR(found, loss_of(trained.model->vectors(), *batch, [](size_t, size_t) { return true; }), 1e-5);
    EXPECT_EQ(found, trained.backward(*batch));
  }
}

TEST(TrainEncoder, CandidatesThatAreNoWrongAnswerAreHidden) {
  Batch batch = with_negatives();  // anchors 0 1 2, positives 3 4 5, negatives 6 7 8
  batch.identity = {0, 1, 0, 3, 4, 5, 4, 1, 8};
  const std::set<std::pair<size_t, size_t>> hidden = {{0, 5}, {2, 3}, {1, 6}, {1, 7}};
  Trained trained(batch);
  const double found = trained.evaluate(batch);
  const auto seen = [&](size_t i, size_t c) { return !hidden.contains({i, c}); };
  EXPECT_NEAR(found, loss_of(trained.model->vectors(), batch, seen), 1e-5);
}

TEST(TrainEncoder, BitsDoNotDependOnThreads) {
  std::vector<float> expected, updated;
  double loss = 0;
  for (const int threads : {1, 2, 3}) {
    Trained trained(plain(), threads);
    const double found = trained.backward(plain());
    const std::vector<float> gradients = trained.gradients();
    EXPECT_TRUE(std::isfinite(trained.model->update({.rate = 1e-2}, 1)));
    const std::vector<float> weights(trained.model->weights().begin(), trained.model->weights().end());
    if (expected.empty()) {
      expected = gradients;
      updated = weights;
      loss = found;
    }
    EXPECT_EQ(found, loss) << threads << " threads";
    EXPECT_EQ(gradients, expected) << threads << " threads";
    EXPECT_EQ(weights, updated) << threads << " threads";
  }
}

TEST(TrainEncoder, GradientsAccumulate) {
  Trained trained(plain());
  const Batch second({4, 12, 8, 3}, false);
  trained.backward(plain(), false, 0.5f);
  const std::vector<float> a = trained.gradients();
  trained.backward(second, true, 0.25f);
  const std::vector<float> both = trained.gradients();
  trained.backward(second, false, 0.25f);
  const std::vector<float> b = trained.gradients();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(both[i], a[i] + b[i], 1e-5 + 1e-5 * std::fabs(both[i])) << i;
}

TEST(TrainEncoder, LearnsItsPairs) {
  Trained trained(plain(), 2);
  trained.model->initialize(3, 0.02f);
  const double before = trained.evaluate(plain());
  for (int64_t step = 1; step <= 60; ++step) {
    trained.backward(plain());
    trained.model->update({.rate = 3e-3, .decay = 0.01}, step);
  }
  const auto after = trained.model->evaluate(plain());
  EXPECT_LT(after->loss, 0.2 * before);
  EXPECT_EQ(after->first, 4);
  EXPECT_EQ(after->first_ten, 4);
}

TEST(TrainEncoder, MistakesAreASentenceAndChangeNothing) {
  Trained trained(plain());
  trained.backward(plain());
  const std::vector<float> before = trained.gradients();
  const auto error = [&](const Batch& batch) { return trained.model->backward(batch, false, 1).status().message(); };
  EXPECT_EQ(error(with_negatives()), "found 3 pairs with negatives, needed: 2 to 4 without them");
  Batch wrong = plain();
  wrong.texts.ids[5] = 60;
  EXPECT_EQ(error(wrong), "token 5 is 60, needed: 0 to less than the vocabulary's 60");
  wrong = plain();
  wrong.identity.pop_back();
  EXPECT_EQ(error(wrong), "4 pairs have 8 texts and 7 identities, needed: 8 of each");
  EXPECT_EQ(error(Batch({80, 1, 1, 1}, false)), "text 0 has 80 tokens, needed: 1 to 70");
  EXPECT_EQ(trained.gradients(), before);
  EXPECT_NE(TrainEncoder::memory(trained.bert.config, {.pairs = 1, .tokens = 8, .longest = 4}, 1)
                .status()
                .message()
                .find("a batch has 1 pairs, needed: 2 or more"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe::models
