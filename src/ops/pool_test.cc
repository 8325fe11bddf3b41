#include "ops/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace lathe::ops {
namespace {

constexpr int64_t kWidth = 3;
constexpr Pooling kModes[] = {Pooling::cls,           Pooling::max,           Pooling::mean,
                              Pooling::mean_sqrt_len, Pooling::weighted_mean, Pooling::last_token};

// Three texts of 4, 1 and 6 tokens.
struct Texts {
  std::vector<int32_t> ids = std::vector<int32_t>(11);
  std::vector<int64_t> offsets{0, 4, 5, 11};
  std::vector<float> x = std::vector<float>(11 * kWidth);

  Texts() {
    for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i * i + 1));
  }
  std::vector<float> pooled(std::span<const int64_t> skip) const {
    std::vector<float> y(3 * kWidth * std::size(kModes));
    const auto team = Team::create({.threads = 2});
    const PoolOperands operands = {.x = x.data(),
                                   .width = kWidth,
                                   .modes = kModes,
                                   .skip = skip,
                                   .normalize = false,
                                   .keep = kWidth * static_cast<int64_t>(std::size(kModes)),
                                   .y = y.data()};
    (*team)->run([&](Team::Worker& worker) { pool(worker, {.ids = ids, .offsets = offsets}, operands); });
    return y;
  }
};

// What sentence-transformers' Pooling gives where a text's first `skip` tokens are taken out of its mask.
std::vector<double> reference(const Texts& texts, size_t text, int64_t skip, int64_t j) {
  const int64_t begin = texts.offsets[text] + skip, end = texts.offsets[text + 1];
  const auto x = [&](int64_t t) { return double{texts.x[static_cast<size_t>(t * kWidth + j)]}; };
  double sum = 0, weighted = 0, weights = 0, most = x(begin);
  for (int64_t t = begin; t < end; ++t) {
    const auto weight = static_cast<double>(t - texts.offsets[text] + 1);
    sum += x(t);
    weighted += weight * x(t);
    weights += weight;
    most = std::max(most, x(t));
  }
  const auto count = static_cast<double>(end - begin);
  return {x(begin), most, sum / count, sum / std::sqrt(count), weighted / weights, x(end - 1)};
}

TEST(Pool, EveryModeWithAndWithoutTheFirstTokens) {
  const Texts texts;
  const int64_t none[] = {0, 0, 0}, some[] = {2, 0, 5};
  EXPECT_EQ(texts.pooled(none), texts.pooled({}));
  for (const auto& skip : {none, some}) {
    const auto y = texts.pooled(std::span(skip, 3));
    for (size_t text = 0; text < 3; ++text)
      for (int64_t j = 0; j < kWidth; ++j) {
        const auto exact = reference(texts, text, skip[text], j);
        for (size_t mode = 0; mode < exact.size(); ++mode) {
          const size_t at = (text * exact.size() + mode) * kWidth + static_cast<size_t>(j);
          EXPECT_NEAR(y[at], exact[mode], 1e-6) << "text " << text << ", mode " << mode;
        }
      }
  }
}

}  // namespace
}  // namespace lathe::ops
