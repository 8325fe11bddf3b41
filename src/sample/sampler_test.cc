#include "sample/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "sample/random.h"

namespace lathe::sample {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// About normal, with many exact ties: sums of four numbers of 8 bits.
std::vector<float> made_logits(int64_t count, uint64_t seed, float width = 6.0f) {
  std::vector<float> logits;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t bits = random_bits(seed, static_cast<uint64_t>(i));
    int sum = -510;
    for (int byte = 0; byte < 4; ++byte) sum += static_cast<int>(bits >> (8 * byte) & 255);
    logits.push_back(static_cast<float>(sum) / 510.0f * width);
  }
  return logits;
}

// What is documented in sampler.h, in float64 and by sorting everything: id and probability of what is kept.
std::map<int32_t, double> reference(std::vector<float> l, const SamplerOptions& o, const std::vector<int32_t>& prompt,
                                    const std::vector<int32_t>& answer) {
  std::vector<double> x(l.begin(), l.end());
  for (const auto& [id, bias] : o.logit_bias) x[static_cast<size_t>(id)] += bias;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto count = std::count(answer.begin(), answer.end(), static_cast<int32_t>(i));
    if (count + std::count(prompt.begin(), prompt.end(), static_cast<int32_t>(i)) > 0)
      x[i] = x[i] > 0 ? x[i] / o.repetition_penalty : x[i] * o.repetition_penalty;
    if (count > 0) x[i] -= static_cast<double>(count) * o.frequency_penalty + o.presence_penalty;
  }
  std::vector<int32_t> order(x.size());
  std::iota(order.begin(), order.end(), 0);
  const auto at = [&x](int32_t i) { return x[static_cast<size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return at(a) > at(b); });
  if (o.top_k > 0 && o.top_k < static_cast<int64_t>(order.size())) order.resize(static_cast<size_t>(o.top_k));
  std::vector<double> p;
  double sum = 0;
  for (const int32_t id : order) sum += p.emplace_back(std::exp((at(id) - at(order[0])) / o.temperature));
  size_t kept = 0;
  for (double held = 0; kept < p.size() && held < o.top_p * sum && (p[kept] >= o.min_p * p[0]); ++kept) held += p[kept];
  std::map<int32_t, double> result;
  const double left = std::accumulate(p.begin(), p.begin() + static_cast<ptrdiff_t>(kept), 0.0);
  for (size_t i = 0; i < kept; ++i) result[order[i]] = p[i] / left;
  return result;
}

Sampler made(const SamplerOptions& options, int64_t vocabulary) {
  auto sampler = Sampler::create(options, vocabulary);
  EXPECT_TRUE(sampler.ok()) << sampler.status().message();
  return std::move(*sampler);
}

std::map<int32_t, double> kept_by(const Sampler& sampler) {
  uint64_t total = 0;
  for (const Candidate& c : sampler.candidates()) total += c.weight;
  std::map<int32_t, double> kept;
  for (const Candidate& c : sampler.candidates())
    kept[c.id] = static_cast<double>(c.weight) / static_cast<double>(total);
  return kept;
}

void expect_near(const std::map<int32_t, double>& ours, const std::map<int32_t, double>& theirs) {
  // What one side alone has is where two sums fall on different sides of a bound: hardly probable, and few.
  int strays = 0;
  for (const auto& [id, p] : theirs) {
    const auto found = ours.find(id);
    if (found == ours.end())
      strays += p > 1e-9;
    else
      EXPECT_NEAR(found->second, p, 2e-3 * p + 1e-9) << "token " << id;
  }
  for (const auto& [id, p] : ours) strays += p > 1e-9 && theirs.count(id) == 0;
  EXPECT_LE(strays, 1);
}

TEST(Random, PhiloxKnownAnswers) {  // kat_vectors of the authors' Random123
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (std::array<uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Sampler, GreedyTakesTheLowestIdOfTheLargest) {
  Sampler sampler = made({}, 200);
  std::vector<float> logits(200, -1.0f);
  EXPECT_EQ(*sampler.sample(logits), 0);
  logits[150] = logits[70] = 2.0f;
  EXPECT_EQ(*sampler.sample(logits), 70);
  for (float& logit : logits) logit = -0.0f;
  logits[3] = 0.0f;  // equal to the others
  EXPECT_EQ(*sampler.sample(logits), 0);
}

struct Case {
  const char* name;
  SamplerOptions options;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }
class AgainstReference : public ::testing::TestWithParam<Case> {};
TEST_P(AgainstReference, KeepsTheSameTokensWithTheSameProbabilities) {
  const std::vector<int32_t> prompt = {1, 2, 3, 700, 2}, answer = {5, 2, 5, 5, 900};
  for (const int64_t vocabulary : {1000, 4096, 50257})
    for (uint64_t seed = 1; seed < 6; ++seed) {
      const auto logits = made_logits(vocabulary, seed);
      Sampler sampler = made(GetParam().options, vocabulary);
      ASSERT_TRUE(sampler.start(prompt).ok());
      for (const int32_t token : answer) ASSERT_TRUE(sampler.accept(token).ok());
      const auto token = sampler.sample(logits);
      ASSERT_TRUE(token.ok()) << token.status().message();
      const auto kept = kept_by(sampler);
      EXPECT_EQ(kept.count(*token), 1u);
      expect_near(kept, reference(logits, GetParam().options, prompt, answer));
    }
}
INSTANTIATE_TEST_SUITE_P(
    Sampler, AgainstReference,
    ::testing::Values(
        Case{"temperature", {.temperature = 0.7f}}, Case{"hot", {.temperature = 50.0f, .top_p = 0.5f}},
        Case{"top_k", {.temperature = 1, .top_k = 40}}, Case{"top_k_1", {.temperature = 1, .top_k = 1}},
        Case{"top_k_all", {.temperature = 1, .top_k = 1 << 20}}, Case{"top_k_half", {.temperature = 2, .top_k = 500}},
        Case{"top_p", {.temperature = 1, .top_p = 0.9f}}, Case{"top_p_little", {.temperature = 1, .top_p = 0.001f}},
        Case{"min_p", {.temperature = 1, .min_p = 0.05f}},
        Case{"all", {.temperature = 0.8f, .top_k = 40, .top_p = 0.9f, .min_p = 0.02f}},
        Case{"repetition", {.temperature = 0.8f, .top_k = 60, .repetition_penalty = 1.3f}},
        Case{"presence", {.temperature = 0.8f, .presence_penalty = 1.5f, .frequency_penalty = 0.5f}},
        Case{"bias", {.temperature = 0.8f, .top_k = 10, .logit_bias = {{7, 30.0f}, {8, -kInfinity}, {9, 29.0f}}}}));

TEST(Sampler, TopKBreaksTiesByTheLowerId) {
  for (const int64_t k : {1, 5, 40, 100, 299}) {
    Sampler sampler = made({.temperature = 1, .top_k = k}, 300);
    std::vector<float> logits(300, 1.0f);
    logits[250] = 2.0f;
    ASSERT_TRUE(sampler.sample(logits).ok());
    ASSERT_EQ(static_cast<int64_t>(sampler.candidates().size()), k);
    for (int64_t i = 0; i + 1 < k; ++i) EXPECT_EQ(sampler.candidates()[static_cast<size_t>(i)].id, i);
    EXPECT_EQ(sampler.candidates().back().id, k <= 250 ? 250 : k - 1);
  }
}

TEST(Sampler, NucleusOfEqualTokensTakesTheLowerIds) {
  Sampler sampler = made({.temperature = 1, .top_p = 0.25f}, 4096);
  ASSERT_TRUE(sampler.sample(std::vector<float>(4096, 3.0f)).ok());
  ASSERT_EQ(sampler.candidates().size(), 1024u);
  EXPECT_EQ(sampler.candidates().back().id, 1023);
}

// Chi-square of 20,000 draws: the bound is what a correct sampler exceeds once in 1e6 seeds.
TEST(Sampler, DrawsFollowTheProbabilities) {
  const auto logits = made_logits(64, 3, 2.0f);
  const SamplerOptions options{.temperature = 0.9f, .top_k = 20, .seed = 12};
  const auto expected = reference(logits, options, {}, {});
  Sampler sampler = made(options, 64);
  std::map<int32_t, int> seen;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) ++seen[*sampler.sample(logits)];
  double chi = 0;
  for (const auto& [id, p] : expected) chi += std::pow(seen[id] - kDraws * p, 2) / (kDraws * p);
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_LT(chi, 66.0);  // 19 degrees of freedom
  EXPECT_GT(chi, 3.0);   // no more even than chance
}

TEST(Sampler, ASeedIsASequence) {
  const auto logits = made_logits(5000, 8);
  const auto draws = [&](int64_t seed) {
    Sampler sampler = made({.temperature = 1.5f, .seed = seed}, 5000);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 8; ++i) tokens.push_back(*sampler.sample(logits));
    EXPECT_TRUE(sampler.start({}).ok());
    EXPECT_EQ(*sampler.sample(logits), tokens[0]);
    return tokens;
  };
  EXPECT_EQ(draws(1), draws(1));
  EXPECT_NE(draws(1), draws(2));
  EXPECT_NE(draws(1), draws(int64_t{1} << 40 | 1));
}

TEST(Sampler, DrawsElsewhereAreOfTheSequence) {
  const auto logits = made_logits(5000, 8);
  Sampler here = made({.temperature = 1.5f, .seed = 9}, 5000), partly = here;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(partly.random_of(0), random_bits(9, static_cast<uint64_t>(i)));
    EXPECT_EQ(partly.random_of(2), random_bits(9, static_cast<uint64_t>(i) + 2));
    ASSERT_TRUE(partly.accept_drawn(*here.sample(logits)).ok());
  }
  EXPECT_FALSE(partly.accept_drawn(5000).ok());
  EXPECT_EQ(*partly.sample(logits), *here.sample(logits));
}

// The tokens themselves: another machine, compiler or instruction set that gives others has broken the promise.
TEST(Sampler, SameTokensOnEveryMachine) {
  const auto logits = made_logits(151936, 21, 9.0f);
  Sampler sampler = made({.temperature = 0.8f, .top_k = 40, .top_p = 0.9f, .seed = 42}, 151936);
  std::vector<int32_t> tokens;
  for (int i = 0; i < 8; ++i) tokens.push_back(*sampler.sample(logits));
  EXPECT_EQ(tokens, (std::vector<int32_t>{82929, 69393, 109549, 112639, 132939, 68280, 117962, 77688}));
  Sampler wide = made({.temperature = 1.3f, .top_p = 0.95f, .seed = 42}, 151936);
  tokens.clear();
  for (int i = 0; i < 8; ++i) tokens.push_back(*wide.sample(logits));
  EXPECT_EQ(tokens, (std::vector<int32_t>{71279, 49679, 100738, 102733, 127901, 44463, 113323, 62335}));
}

TEST(Sampler, MaskExcludes) {
  std::vector<uint64_t> mask(4, 0);
  const auto logits = made_logits(200, 5);
  for (const float temperature : {0.0f, 1.0f}) {
    Sampler sampler = made({.temperature = temperature}, 200);
    mask.assign(4, 0);
    EXPECT_EQ(sampler.sample(logits, mask).status().message(),
              "no token is allowed: biases and the grammar's mask exclude all");
    mask[2] = 1;
    EXPECT_EQ(*sampler.sample(logits, mask), 128);
    mask[0] = ~uint64_t{0};
    const int32_t token = *sampler.sample(logits, mask);
    EXPECT_TRUE(token < 64 || token == 128);
    EXPECT_FALSE(sampler.sample(logits, std::vector<uint64_t>(3)).ok());
  }
}

TEST(Sampler, LogitsThatAreNotFinite) {
  for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
    Sampler sampler = made({}, 100);
    std::vector<float> logits(100, 1.0f);
    logits[77] = bad;
    const std::string message = sampler.sample(logits).status().message();
    EXPECT_EQ(message.substr(0, 25), "the logit of token 77 is ") << message;
    logits[77] = 5.0f;
    EXPECT_EQ(*sampler.sample(logits), 77);  // the session goes on
  }
  Sampler overflowing = made({.logit_bias = {{3, 3e38f}}}, 100);
  EXPECT_FALSE(overflowing.sample(std::vector<float>(100, 3e38f)).ok());
}

TEST(Sampler, ExtremeLogitsAndTemperatures) {
  std::vector<float> logits(1000, -3e38f);
  logits[5] = 3e38f, logits[6] = 2.9e38f;
  for (const float temperature : {1e-6f, 1.0f, 1000.0f}) {
    Sampler sampler = made({.temperature = temperature, .top_k = 7, .top_p = 0.5f}, 1000);
    EXPECT_EQ(*sampler.sample(logits), 5);
  }
  Sampler one = made({.temperature = 1.0f, .top_k = 3, .top_p = 0.5f}, 1);
  EXPECT_EQ(*one.sample(std::vector<float>{-4.0f}), 0);
}

TEST(Sampler, OptionsOutOfRange) {
  const auto message = [](const SamplerOptions& options) { return check(options, 100).message(); };
  EXPECT_EQ(message({.temperature = -1}), "temperature is -1, allowed are 0 (greedy) and 1e-06 to 1000");
  EXPECT_EQ(message({.temperature = std::nanf("")}), "temperature is nan, allowed are 0 (greedy) and 1e-06 to 1000");
  EXPECT_EQ(message({.top_k = -2}), "top_k is -2, allowed are 0 (all) and more");
  EXPECT_EQ(message({.top_p = 0}), "top_p is 0, allowed are numbers above 0 and up to 1 (all)");
  EXPECT_EQ(message({.min_p = 1.5f}), "min_p is 1.5, allowed are 0 (all) to 1");
  EXPECT_EQ(message({.repetition_penalty = 0}), "repetition_penalty is 0, allowed are 0.01 to 100, where 1 is none");
  EXPECT_EQ(message({.frequency_penalty = kInfinity}), "frequency_penalty is inf, allowed are -100 to 100");
  EXPECT_EQ(message({.logit_bias = {{100, 1.0f}}}), "logit_bias names token 100, the vocabulary has 0 to 99");
  EXPECT_EQ(message({.logit_bias = {{1, kInfinity}}}),
            "logit_bias of token 1 is inf, allowed are finite numbers and minus infinity");
  EXPECT_EQ(message({.seed = -5}), "seed is -5, allowed are 0 to 9223372036854775807");
  EXPECT_EQ(message({}), "");
  EXPECT_FALSE(Sampler::create({}, 0).ok());
  EXPECT_FALSE(made({}, 10).accept(10).ok());
  EXPECT_FALSE(made({}, 10).start(std::vector<int32_t>{-1}).ok());
  EXPECT_FALSE(made({}, 10).sample(std::vector<float>(11)).ok());
}

// tests/sampler_peer.py writes what transformers makes of the same logits.
TEST(Sampler, AsThePeer) {
  const char* path = std::getenv("LATHE_SAMPLER_CASES");
  if (!path) GTEST_SKIP() << "tests/sampler_peer.py runs this";
  const auto cases = nlohmann::json::parse(std::ifstream(path));
  for (const auto& one : cases) {
    const auto logits = one["logits"].get<std::vector<float>>();
    const SamplerOptions options{.temperature = one["temperature"],
                                 .top_k = one["top_k"],
                                 .top_p = one["top_p"],
                                 .min_p = one["min_p"],
                                 .repetition_penalty = one["repetition_penalty"]};
    Sampler sampler = made(options, static_cast<int64_t>(logits.size()));
    ASSERT_TRUE(sampler.start(one["tokens"].get<std::vector<int32_t>>()).ok());
    ASSERT_TRUE(sampler.sample(logits).ok());
    std::map<int32_t, double> theirs;
    for (const auto& [id, p] : one["kept"].items()) theirs[std::stoi(id)] = p;
    SCOPED_TRACE(one["name"].get<std::string>());
    expect_near(kept_by(sampler), theirs);
  }
  EXPECT_GT(cases.size(), 0u);
}

}  // namespace
}  // namespace lathe::sample
