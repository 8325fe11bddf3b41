#include "ops/scan.h"

#include <gtest/gtest.h>

#include <random>

#include "quant/row_integers.h"

namespace lathe::ops {
namespace {

std::vector<float> random_rows(int64_t count, int64_t dim, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> rows(static_cast<size_t>(count * dim));
  for (float& x : rows) x = normal(random);
  return rows;
}

std::unique_ptr<Team> team_of(int threads) {
  auto team = Team::create({.threads = threads});
  EXPECT_TRUE(team.ok());
  return std::move(*team);
}

std::vector<int64_t> indices(const std::vector<Hit>& hits) {
  std::vector<int64_t> found;
  for (const Hit& hit : hits) found.push_back(hit.index);
  return found;
}

TEST(TopK, KeepsTheBestAndOfEqualScoresTheLowerNumber) {
  TopK top(3);
  for (const int64_t index : {9, 4, 7, 2, 5}) top.push(1.0f, index);
  top.push(2.0f, 8);
  top.push(std::nanf(""), 0);
  top.push(0.5f, 1);
  EXPECT_EQ(indices(top.take()), (std::vector<int64_t>{8, 2, 4}));
  TopK none(0);
  none.push(1.0f, 1);
  EXPECT_TRUE(none.take().empty());
}

TEST(TopK, NanIsTheWorst) {
  TopK top(2);
  top.push(std::nanf(""), 0);
  top.push(-1.0f, 1);
  top.push(-2.0f, 2);
  EXPECT_EQ(indices(top.take()), (std::vector<int64_t>{1, 2}));
}

TEST(Scan, FindsWhatASortFinds) {
  const int64_t count = 5000, dim = 40;
  const auto rows = random_rows(count, dim, 1), query = random_rows(1, dim, 2);
  const auto team = team_of(2);
  const Vectors vectors = {.count = count, .dim = dim, .data = rows.data()};
  const auto all = scan(*team, vectors, query, count + 5);
  ASSERT_EQ(all.size(), static_cast<size_t>(count));
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end(), better));
  const auto ten = scan(*team, vectors, query, 10);
  EXPECT_EQ(indices(ten), indices({all.begin(), all.begin() + 10}));
  EXPECT_TRUE(scan(*team, vectors, query, 0).empty());
  EXPECT_TRUE(scan(*team, {.dim = dim}, query, 3).empty());
}

// Every vector stands there a hundred times, so nearly every score is a tie.
TEST(Scan, TiesGoToTheLowerNumberAtAnyNumberOfThreads) {
  const int64_t kinds = 60, copies = 100, dim = 384;
  auto rows = random_rows(kinds, dim, 3);
  for (int64_t c = 1; c < copies; ++c) rows.insert(rows.end(), rows.begin(), rows.begin() + kinds * dim);
  const auto query = random_rows(1, dim, 4);
  const Vectors vectors = {.count = kinds * copies, .dim = dim, .data = rows.data()};
  const auto one = scan(*team_of(1), vectors, query, 250);
  EXPECT_EQ(one[1].index, one[0].index + kinds);
  for (const int threads : {2, 3, 4}) {
    const auto team = team_of(threads);
    for (int again = 0; again < 5; ++again)
      EXPECT_EQ(indices(scan(*team, vectors, query, 250, threads)), indices(one)) << threads;
  }
}

TEST(Scan, BytesWithExactRescoringRecallWhatFloatsFind) {
  const int64_t count = 20000, dim = 128, k = 10, queries = 50;
  const auto rows = random_rows(count, dim, 5);
  std::vector<int8_t> bytes(rows.size());
  std::vector<float> scale;
  for (int64_t i = 0; i < count; ++i)
    scale.push_back(encode_row_s8(std::span(rows).subspan(static_cast<size_t>(i * dim), static_cast<size_t>(dim)),
                                  &bytes[static_cast<size_t>(i * dim)]));
  const auto team = team_of(2);
  const Vectors stored = {
      .type = VectorType::s8, .count = count, .dim = dim, .data = bytes.data(), .scale = scale.data()};
  int64_t with = 0, without = 0;
  for (uint32_t q = 0; q < queries; ++q) {
    const auto query = random_rows(1, dim, 100 + q);
    const auto exact = indices(scan(*team, {.count = count, .dim = dim, .data = rows.data()}, query, k));
    const auto raw = scan(*team, stored, query, 4 * k);
    const auto again = rescore(rows.data(), dim, query, raw, k);
    const auto found = [&](const Hit& hit) { return std::find(exact.begin(), exact.end(), hit.index) != exact.end(); };
    with += std::count_if(again.begin(), again.end(), found);
    without += std::count_if(raw.begin(), raw.begin() + k, found);
  }
  EXPECT_EQ(with, queries * k);  // measured: 500 of 500
  EXPECT_GE(without, queries * k * 95 / 100);
  EXPECT_LE(without, queries * k);
}

}  // namespace
}  // namespace lathe::ops
