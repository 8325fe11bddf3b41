// Every row of step_variants() on a device against float64.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "gpu/test_step_ops.h"

namespace lathe::gpu {
namespace {

using Words = std::vector<uint32_t>;

TEST_F(StepOps, RmsNormOfRowsOfAnyLength) {
  for (const int64_t n : {1, 63, 576, 1025})
    for_each_row(StepOp::rms_norm, [&](const StepProgram& program, TestMemory& memory) {
      const int64_t rows = 3, row = n + 5;
      const auto x = uniform(random_, rows * row), w = uniform(random_, n);
      RmsNormArgs args;
      args.x = memory.put(x), args.w = memory.put(w), args.y = memory.put(x);
      args.rows = rows, args.n = n, args.x_row = args.y_row = row;
      args.epsilon = 1e-5f, args.offset = 1.0f;
      run(program, args);
      const auto y = memory.get<float>(args.y, rows * row);
      for (int64_t r = 0; r < rows; ++r) {
        double square = 0;
        for (int64_t i = 0; i < n; ++i) square += std::pow(double{x[static_cast<size_t>(r * row + i)]}, 2);
        const double factor = 1 / std::sqrt(square / static_cast<double>(n) + double{args.epsilon});
        for (int64_t i = 0; i < row; ++i) {
          const auto at = static_cast<size_t>(r * row + i);
          if (i >= n) {
            EXPECT_EQ(y[at], x[at]);
            continue;
          }
          const double expected = double{x[at]} * factor * (1 + double{w[static_cast<size_t>(i)]});
          const double bound = (static_cast<double>(n) + 24) * kU * std::fabs(double{x[at]} * factor) * 2;
          EXPECT_NEAR(double{y[at]}, expected, bound) << r << ", " << i << " of " << n;
        }
      }
    });
}

struct Cache {
  int64_t heads, kv_heads, dim, context;
};

// In float64, and how far f32 may be off: every score by its sum's roundings and by exp's, then the sums over keys.
void expect_attention(const Cache& c, int64_t length, float scale, const std::vector<float>& q,
                      const std::vector<float>& keys, const std::vector<float>& values, const std::vector<float>& y) {
  for (int64_t h = 0; h < c.heads; ++h) {
    const int64_t kv = h / (c.heads / c.kv_heads);
    const auto at = [&](int64_t j, int64_t d) { return static_cast<size_t>((j * c.kv_heads + kv) * c.dim + d); };
    std::vector<double> s(static_cast<size_t>(length));
    double error = 0;
    for (int64_t j = 0; j < length; ++j) {
      double magnitude = 0;
      for (int64_t d = 0; d < c.dim; ++d) {
        const double term = double{q[static_cast<size_t>(h * c.dim + d)]} * double{keys[at(j, d)]} * double{scale};
        s[static_cast<size_t>(j)] += term;
        magnitude += std::fabs(term);
      }
      error = std::max(error, 2 * static_cast<double>(c.dim + 8) * kU * magnitude);
    }
    const double largest = *std::max_element(s.begin(), s.end()), least = *std::min_element(s.begin(), s.end());
    error = 2 * error + 4 * kU * (8 + 4 * (largest - least)) + 2 * static_cast<double>(length + 16) * kU;
    for (int64_t d = 0; d < c.dim; ++d) {
      double sum = 0, magnitude = 0, total = 0;
      for (int64_t j = 0; j < length; ++j) {
        const double weight = std::exp(s[static_cast<size_t>(j)] - largest);
        total += weight;
        sum += weight * double{values[at(j, d)]};
        magnitude += weight * std::fabs(double{values[at(j, d)]});
      }
      EXPECT_NEAR(double{y[static_cast<size_t>(h * c.dim + d)]}, sum / total, 2 * error * magnitude / total)
          << "head " << h << ", " << d << " of " << length << " keys";
    }
  }
}

// What `program` and the row that joins its splits make of random operands, against float64.
class AttentionStep : public StepOps {
 protected:
  void expect(const StepProgram& program, TestMemory& memory, const Cache& c) {
    const int64_t keys_of_split = program.variant().threads;
    auto join = StepProgram::create(*device_, *find_step_variant("attention_join.64"));
    ASSERT_TRUE(join.ok()) << join.status().message();
    const auto q = uniform(random_, c.heads * c.dim, 2.0f), keys = uniform(random_, c.context * c.kv_heads * c.dim),
               values = uniform(random_, c.context * c.kv_heads * c.dim);
    AttentionArgs args;
    args.q = memory.put(q), args.q_row = c.heads * c.dim;
    args.keys = memory.addresses({memory.put(keys)}), args.values = memory.addresses({memory.put(values)});
    args.parts = memory.floats(attention_parts_bytes(1, c.heads, c.dim, c.context, keys_of_split) / 4);
    args.rooms = memory.put(Words{static_cast<uint32_t>(c.context)});
    args.heads = c.heads, args.kv_heads = c.kv_heads, args.dim = c.dim, args.context = c.context;
    args.scale = 0.4f;
    AttentionJoinArgs joined;
    joined.parts = args.parts, joined.y = memory.floats(c.heads * c.dim);
    joined.y_row = args.q_row, joined.rooms = args.rooms;
    joined.heads = c.heads, joined.dim = c.dim, joined.context = c.context, joined.keys_of_split = keys_of_split;
    for (const int64_t length : {int64_t{1}, keys_of_split, keys_of_split + 1, c.context})
      for (const int64_t behind : {kSeesAll, int64_t{0}, keys_of_split - 1, keys_of_split + 5}) {
        args.positions = joined.positions = memory.put(Words{static_cast<uint32_t>(length - 1)});
        args.behind = joined.behind = behind;
        run(program, args);
        run(*join, joined);
        const int64_t unseen = std::max<int64_t>(0, length - 1 - behind), skipped = unseen * c.kv_heads * c.dim;
        expect_attention(c, length - unseen, args.scale, q, {keys.begin() + skipped, keys.end()},
                         {values.begin() + skipped, values.end()}, memory.get<float>(joined.y, c.heads * c.dim));
      }
  }
};

TEST_F(AttentionStep, OverOneSplitAndSeveral) {
  for_each_row(StepOp::attention, [&](const StepProgram& program, TestMemory& memory) {
    expect(program, memory, {6, 2, 40, 300});
  });
}

// Of one vector, of some that are not whole, of as many as threads share a key, of the most.
TEST_F(AttentionStep, HeadsOfAnyWidth) {
  for (const int64_t dim : {1, 4, 7, 30, 32, 256}) {
    SCOPED_TRACE(dim);
    for_each_row(StepOp::attention, [&](const StepProgram& program, TestMemory& memory) {
      expect(program, memory, {2, 1, dim, 270});
    });
  }
}

TEST_F(StepOps, ArgmaxTakesTheFirstOfEqualsAndNoneWhereOneIsNotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for_each_row(StepOp::argmax, [&](const StepProgram& program, TestMemory& memory) {
    for (const int64_t n : {1, 255, 5000})
      for (const float first : {0.0f, std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
        auto x = uniform(random_, n);
        const auto best = static_cast<uint32_t>(n * 2 / 3);
        x.front() = first;
        if (n > 1 || first == 0) x[best] = 2.0f, x.back() = 2.0f;
        const uint32_t token = first == 0 ? best : static_cast<uint32_t>(n);
        // Of another text, a row further: its last.
        const int64_t row = n + 3;
        x.resize(static_cast<size_t>(row + n), -1.0f);
        x.back() = 3.0f;
        const auto last = static_cast<uint32_t>(n - 1);
        ArgmaxArgs args;
        args.x = memory.put(x), args.ids = memory.put(Words{9, 9}), args.positions = memory.put(Words{1, 0});
        args.texts = 2, args.n = n, args.x_row = row;
        run(program, args);
        EXPECT_EQ(memory.get<uint32_t>(args.ids, 2), (Words{token, last}));
        EXPECT_EQ(memory.get<uint32_t>(args.positions, 2), (Words{2, 1}));
      }
  });
}

TEST_F(StepOps, NamesAreUniqueAndWrongOperandsAreRefused) {
  std::set<std::string> names;
  for (const StepVariant& v : step_variants()) {
    EXPECT_TRUE(names.insert(v.name).second) << v.name;
    DeviceInfo device;
    EXPECT_NE(step_refusal(v, device), "") << v.name;
  }
  auto program = StepProgram::create(*device_, *find_step_variant("rms_norm.64"));
  auto recording = device_->record();
  ASSERT_TRUE(program.ok() && recording.ok());
  TestMemory memory(device_);
  RmsNormArgs args;
  args.x = args.w = args.y = memory.floats(16);
  args.n = args.x_row = args.y_row = 16;
  EXPECT_EQ(program->record(**recording, ArgmaxArgs{}).message(), "rms_norm.64 was handed the arguments of another op");
  args.n = 17;
  EXPECT_NE(program->record(**recording, args).message().find("the distance of rows of x is 16"), std::string::npos);
  args.n = 16, args.w = {};
  EXPECT_EQ(program->record(**recording, args).message(), "the weight is missing");
}

}  // namespace
}  // namespace lathe::gpu
