// Draws of tokens against float64: what is kept, and where a random number falls among it.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "gpu/test_step_ops.h"

namespace lathe::gpu {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Rule {
  double temperature;
  int64_t top_k;
  double top_p, min_p;
};

DrawSettings settings_of(const Rule& rule) {
  DrawSettings settings;
  if (rule.top_p < 1) settings.share = static_cast<uint64_t>(std::ldexp(rule.top_p, 64));
  settings.scale = static_cast<float>(1 / rule.temperature);
  settings.reach = static_cast<float>(28 * rule.temperature);
  settings.min_p = static_cast<float>(rule.min_p);
  settings.top_k = static_cast<uint32_t>(rule.top_k);
  return settings;
}

// Probabilities by token, 0 of what is not kept.
std::vector<double> kept_by(const std::vector<float>& logits, const Rule& rule) {
  std::vector<size_t> order(logits.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
  if (rule.top_k > 0 && rule.top_k < std::ssize(order)) order.resize(static_cast<size_t>(rule.top_k));
  std::vector<double> p(logits.size());
  double sum = 0, left = 0;
  for (const size_t i : order)
    sum += p[i] = std::exp((double{logits[i]} - double{logits[order[0]]}) / rule.temperature);
  for (const size_t i : order) {
    if (left >= rule.top_p * sum || p[i] < rule.min_p * p[order[0]]) p[i] = 0;
    left += p[i];
  }
  for (double& value : p) value /= left;
  return p;
}

// Whether `token` is where u falls, to within what f32 may be off.
bool is_drawn(const std::vector<double>& p, uint32_t token, double u) {
  if (token >= p.size() || p[token] == 0) return false;
  const double begin = std::accumulate(p.begin(), p.begin() + token, 0.0);
  return u > begin - 1e-5 && u < begin + p[token] + 1e-5;
}

class Draw : public StepOps {
 protected:
  // Operands of texts whose logits lie `x_row` apart.
  DrawArgs put(TestMemory& memory, const std::vector<float>& x, int64_t n, int64_t x_row,
               const std::vector<DrawSettings>& settings, const std::vector<uint64_t>& random) {
    const int64_t texts = std::ssize(settings);
    DrawArgs args;
    args.x = memory.put(x), args.settings = memory.put(settings), args.random = memory.put(random);
    args.ids = memory.put(std::vector<uint32_t>(settings.size(), 9));
    args.positions = memory.put(std::vector<uint32_t>(settings.size(), 1));
    args.candidates = memory.floats(texts * n), args.candidates_e = memory.floats(texts * n);
    args.texts = texts, args.n = n, args.x_row = x_row;
    return args;
  }
};

// Several texts at once, each with a rule of its own.
TEST_F(Draw, IsWhatFloat64Draws) {
  const std::vector<Rule> rules = {{0.7, 0, 1, 0},       {1, 40, 1, 0},   {1.5, 0, 0.9, 0},  {1, 0, 1, 0.05},
                                   {0.8, 40, 0.9, 0.02}, {50, 0, 0.5, 0}, {0.01, 3, 0.5, 0}, {1, 1, 1, 0}};
  const auto texts = rules.size();
  for_each_row(StepOp::draw, [&](const StepProgram& program, TestMemory& memory) {
    for (const int64_t n : {5, 300, 5000})
      for (int round = 0; round < 3; ++round) {
        const int64_t row = n + 7;
        auto x = uniform(random_, static_cast<int64_t>(texts) * row, 6.0f);
        std::vector<DrawSettings> settings;
        std::vector<uint64_t> random;
        for (const Rule& rule : rules) settings.push_back(settings_of(rule)), random.push_back(random_());
        const DrawArgs args = put(memory, x, n, row, settings, random);
        run(program, args);
        const auto tokens = memory.get<uint32_t>(args.ids, std::ssize(rules));
        EXPECT_EQ(memory.get<uint32_t>(args.positions, std::ssize(rules)), std::vector<uint32_t>(texts, 2));
        for (size_t t = 0; t < texts; ++t) {
          const auto first = x.begin() + static_cast<int64_t>(t) * row;
          const double u = std::ldexp(static_cast<double>(random[t]), -64);
          // A nucleus may end a token earlier or later where two sums fall on different sides of its bound.
          Rule less = rules[t], more = rules[t];
          if (less.top_p < 1) less.top_p -= 1e-6, more.top_p += 1e-6;
          EXPECT_TRUE(is_drawn(kept_by({first, first + n}, less), tokens[t], u) ||
                      is_drawn(kept_by({first, first + n}, more), tokens[t], u))
              << "rule " << t << " of " << n << " tokens: " << tokens[t];
        }
      }
  });
}

TEST_F(Draw, OfLogitsThatAreNotAllFiniteIsNone) {
  for_each_row(StepOp::draw, [&](const StepProgram& program, TestMemory& memory) {
    for (const int64_t n : {1, 2000})
      for (const float wrong : {kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()}) {
        auto x = uniform(random_, 2 * n);
        x[static_cast<size_t>(n + n / 2)] = wrong;
        const auto settings = settings_of({1, 0, 1, 0});
        const DrawArgs args = put(memory, x, n, n, {settings, settings}, {random_(), random_()});
        run(program, args);
        const auto tokens = memory.get<uint32_t>(args.ids, 2);
        EXPECT_LT(tokens[0], n);
        EXPECT_EQ(tokens[1], n);
      }
  });
}

TEST_F(Draw, RefusesOperandsThatDoNotFit) {
  auto program = StepProgram::create(*device_, *find_step_variant("draw.256"));
  auto recording = device_->record();
  ASSERT_TRUE(program.ok() && recording.ok());
  TestMemory memory(device_);
  const DrawArgs good = put(memory, std::vector<float>(20), 10, 10, std::vector<DrawSettings>(2), {1, 2});
  EXPECT_TRUE(program->record(**recording, good).ok());
  const auto message = [&](DrawArgs args) { return program->record(**recording, args).message(); };
  DrawArgs bad = good;
  bad.n = 11;
  EXPECT_EQ(message(bad), "the distance of rows of x is 10, needed: 11 to 2147483647");
  bad = good, bad.random = {};
  EXPECT_EQ(message(bad), "the block of random numbers is missing");
  bad = good, bad.settings.at = 4;
  EXPECT_NE(message(bad).find("the block of settings begins at byte 4"), std::string::npos);
  bad = good, bad.texts = 3;
  EXPECT_NE(message(bad).find("x takes 120 bytes"), std::string::npos) << message(bad);
}

}  // namespace
}  // namespace lathe::gpu
