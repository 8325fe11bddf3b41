// Draws on a device beside Sampler's: of the same logits and random numbers the same tokens, always.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "gpu/test_step_ops.h"
#include "kernels/common/scalar_math.h"
#include "sample/device_draw.h"
#include "sample/random.h"
#include "sample/sampler.h"

namespace lathe::sample {
namespace {

using gpu::StepOp;
using gpu::StepProgram;
using gpu::TestMemory;

Sampler made(const SamplerOptions& options, const std::vector<float>& logits) {
  auto sampler = Sampler::create(options, std::ssize(logits));
  EXPECT_TRUE(sampler.ok()) << sampler.status().message();
  return std::move(*sampler);
}

// The least random number that leads to `weight` of `all`.
uint64_t leading_to(uint64_t weight, uint64_t all) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(((static_cast<Wide>(weight) << 64) + all - 1) / all);
}

class SamplerOnDevice : public gpu::StepOps {
 protected:
  // About normal; with ties; all equal; zeros of both signs; one far above all; of every size that a float has.
  static constexpr int kKinds = 6;
  std::vector<float> logits_of(int kind, int64_t count) {
    std::normal_distribution<float> normal(0.0f, 3.0f);
    std::vector<float> logits(static_cast<size_t>(count));
    for (float& logit : logits) {
      const float value = normal(random_);
      if (kind == 0) logit = value;
      if (kind == 1) logit = std::round(value * 4.0f) / 4.0f;
      if (kind == 2) logit = 1.5f;
      if (kind == 3) logit = value > 3.0f ? -0.0f : value > 0.0f ? 0.0f : -1e-3f;
      if (kind == 4) logit = value - 300.0f;
      if (kind == 5) logit = std::ldexp(value, static_cast<int>(random_() % 240) - 120);
    }
    if (kind == 4) logits[random_() % logits.size()] = 0.0f;
    return logits;
  }

  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[random_() % values.size()];
  }
  SamplerOptions any_options(int64_t count) {
    SamplerOptions options;
    options.temperature = one_of({1e-6f, 0.05f, 0.8f, 1.0f, 1.7f, 50.0f, 1000.0f});
    options.top_k = one_of({int64_t{0}, int64_t{0}, int64_t{1}, int64_t{2}, int64_t{40}, count / 2, count, count + 5});
    options.top_p = one_of({1.0f, 1.0f, 0.999f, 0.9f, 0.5f, 0.01f, 1e-20f, std::numeric_limits<float>::denorm_min()});
    options.min_p = one_of({0.0f, 0.0f, 1e-6f, 0.02f, 0.5f, 1.0f});
    options.seed = static_cast<int64_t>(random_() >> 1);
    return options;
  }

  // A draw for each random number, one after the other. `args` are left with what the last has written.
  std::vector<uint32_t> draw(const StepProgram& program, TestMemory& memory, const std::vector<float>& logits,
                             const gpu::DrawSettings& settings, const std::vector<uint64_t>& random,
                             gpu::DrawArgs& args) {
    const auto count = std::ssize(logits);
    args.x = memory.put(logits), args.settings = memory.put(std::vector{settings}), args.random = memory.put(random);
    args.candidates = memory.floats(count), args.candidates_e = memory.floats(count);
    const gpu::Place drawn = memory.put(std::vector<uint32_t>(random.size()));
    args.ids = drawn, args.positions = memory.put(std::vector<uint32_t>(1));
    args.n = args.x_row = count;
    auto recording = device_->record();
    EXPECT_TRUE(recording.ok());
    for (size_t i = 0; i < random.size(); ++i) {
      const Status s = program.record(**recording, args);
      EXPECT_TRUE(s.ok()) << s.message();
      (*recording)->barrier();
      args.random.at += int64_t{sizeof(uint64_t)}, args.ids.at += int64_t{sizeof(uint32_t)};
    }
    EXPECT_TRUE((*recording)->end().ok());
    const Status s = device_->submit(**recording);
    EXPECT_TRUE(s.ok()) << s.message();
    EXPECT_EQ(memory.get<uint32_t>(args.positions, 1).front(), random.size());
    return memory.get<uint32_t>(drawn, std::ssize(random));
  }

  // Random numbers of the sampler, and those on both sides of where a candidate begins: a single unit of weight that
  // is another moves them.
  void expect_the_samplers(const StepProgram& program, const std::vector<float>& logits,
                           const SamplerOptions& options) {
    Sampler sampler = made(options, logits);
    std::vector<uint64_t> random = {sampler.random_of(0), sampler.random_of(1)};
    std::vector<uint32_t> expected;
    for (int i = 0; i < 2; ++i) expected.push_back(static_cast<uint32_t>(*sampler.sample(logits)));
    const auto candidates = sampler.candidates();
    uint64_t all = 0, before = 0;
    for (const Candidate& c : candidates) all += c.weight;
    const size_t chosen = random_() % candidates.size();
    for (size_t i = 0; i < chosen; ++i) before += candidates[i].weight;
    random.push_back(leading_to(before, all)), expected.push_back(static_cast<uint32_t>(candidates[chosen].id));
    if (chosen > 0) {
      random.push_back(random.back() - 1);
      expected.push_back(static_cast<uint32_t>(candidates[chosen - 1].id));
    }
    TestMemory memory(device_);
    gpu::DrawArgs args;
    EXPECT_EQ(draw(program, memory, logits, device_draw(options), random, args), expected)
        << logits.size() << " tokens, temperature " << options.temperature << ", top_k " << options.top_k << ", top_p "
        << options.top_p << ", min_p " << options.min_p;
  }
};

TEST_F(SamplerOnDevice, DrawsTheSameTokens) {
  for_each_row(StepOp::draw, [&](const StepProgram& program, TestMemory&) {
    for (const int64_t count : {1, 2, 7, 320, 4096, 9001})
      for (int kind = 0; kind < kKinds; ++kind)
        for (int i = 0; i < 4; ++i) expect_the_samplers(program, logits_of(kind, count), any_options(count));
  });
}

TEST_F(SamplerOnDevice, DrawsTheSameTokensOfLargeVocabularies) {
  for_each_row(StepOp::draw, [&](const StepProgram& program, TestMemory&) {
    const auto logits = logits_of(0, 151936), many = logits_of(1, 262144);
    expect_the_samplers(program, logits, {.temperature = 0.8f, .top_k = 40, .top_p = 0.9f, .seed = 42});
    expect_the_samplers(program, logits, {.temperature = 1.3f, .top_p = 0.95f, .seed = 7});
    expect_the_samplers(program, many, {.temperature = 2.0f});
    expect_the_samplers(program, many, {.temperature = 1.0f, .top_k = 100000, .top_p = 0.999f, .min_p = 1e-7f});
  });
}

// Over all that a draw may take, with the device's fma if it rounds once and without it: of 1, a shader takes it to
// round twice.
TEST_F(SamplerOnDevice, ExponentialsHaveTheBitsOfTheCpus) {
  const int64_t count = 60000;
  std::vector<float> logits(static_cast<size_t>(count));
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = -static_cast<float>(i) / static_cast<float>(count) * 27.9f;
  for (size_t i = 1; i < 100; ++i) logits[i] = -std::ldexp(1.0f, -static_cast<int>(i));
  // Of all floats from -28 to -2^-12 the two whose exp is another one by an fma that rounds its low part to the
  // nearest.
  logits[100] = -0x1.62e43p-2f, logits[101] = -0x1.bb9d3cp+0f;
  for_each_row(StepOp::draw, [&](const StepProgram& program, TestMemory&) {
    gpu::DrawSettings settings = device_draw({.temperature = 1.0f});
    for (const float over_one : {settings.over_one, 1.0f}) {
      settings.over_one = over_one;
      TestMemory memory(device_);
      gpu::DrawArgs args;
      draw(program, memory, logits, settings, {random_()}, args);
      const auto e = memory.get<float>(args.candidates_e, count);
      for (size_t i = 0; i < logits.size(); ++i)
        ASSERT_EQ(std::bit_cast<uint32_t>(e[i]), std::bit_cast<uint32_t>(kernels::exp_f32(logits[i]))) << logits[i];
    }
  });
}

}  // namespace
}  // namespace lathe::sample
