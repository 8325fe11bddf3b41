// The rows of step_variants() that take many tokens, on a device against float64.
#include <cmath>

#include "gpu/test_product.h"
#include "gpu/test_step_ops.h"

namespace lathe::gpu {
namespace {

using RowOps = StepOps;
using Vector = std::vector<float>;
using Indices = std::vector<uint32_t>;

double at(const Vector& v, int64_t i) { return double{v[static_cast<size_t>(i)]}; }

TEST_F(RowOps, GatherAddsTypeAndPosition) {
  for_each_row(StepOp::gather_rows, [&](const StepProgram& program, TestMemory& memory) {
    constexpr int64_t kVocabulary = 7, kN = 70, kTokens = 4, kTable = 9, kFirst = 2, kRow = kN + 3;
    Vector words = uniform(random_, kVocabulary * kN);
    const Vector type = uniform(random_, kN), table = uniform(random_, kTable * kN);
    const Indices ids = {5, 0, 6, 900}, positions = {3, 0, 6, 800};  // the last of each is none of the table's
    for (const int with : {0, 1, 2, 3}) {
      GatherRowsArgs args;
      args.w = put_weights(memory, program.variant().w, kVocabulary, kN, &words, program.variant().layout);
      args.ids = memory.put(ids), args.y = memory.floats(kTokens * kRow);
      if ((with & 1) != 0) args.type = memory.put(type);
      if ((with & 2) != 0) args.table = memory.put(table), args.positions = memory.put(positions);
      args.tokens = kTokens, args.vocabulary = kVocabulary, args.n = kN, args.y_row = kRow;
      args.first = kFirst, args.table_rows = kTable, args.alpha = 3.0f;
      run(program, args);
      const Vector y = memory.get<float>(args.y, kTokens * kRow);
      for (int64_t t = 0; t < kTokens; ++t)
        for (int64_t i = 0; i < kRow; ++i) {
          const int64_t id = std::min<int64_t>(ids[static_cast<size_t>(t)], kVocabulary - 1);
          const int64_t position = std::min<int64_t>(kFirst + positions[static_cast<size_t>(t)], kTable - 1);
          double expected = i < kN ? 3 * at(words, id * kN + i) : 0;
          if ((with & 1) != 0 && i < kN) expected += at(type, i);
          if ((with & 2) != 0 && i < kN) expected += at(table, position * kN + i);
          EXPECT_NEAR(at(y, t * kRow + i), expected, 12 * kU) << t << ", " << i << " with " << with;
        }
    }
  });
}

TEST_F(RowOps, GatherHasTheSameBitsOutOfEitherLayout) {
  constexpr int64_t kVocabulary = 70, kN = 100, kTokens = 5;
  for (int w = 0; w < kWeightTypes; ++w) {
    const Vector words = uniform(random_, kVocabulary * kN);
    std::vector<Vector> found;
    for_each_row(StepOp::gather_rows, [&](const StepProgram& program, TestMemory& memory) {
      if (static_cast<int>(program.variant().w) != w) return;
      Vector rounded = words;
      GatherRowsArgs args;
      args.w = put_weights(memory, program.variant().w, kVocabulary, kN, &rounded, program.variant().layout);
      args.ids = memory.put(Indices{0, 31, 32, 69, 40}), args.y = memory.floats(kTokens * kN);
      args.tokens = kTokens, args.vocabulary = kVocabulary, args.n = args.y_row = kN;
      run(program, args);
      found.push_back(memory.get<float>(args.y, kTokens * kN));
    });
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(std::memcmp(found[0].data(), found[1].data(), found[0].size() * sizeof(float)), 0);
    EXPECT_NE(found[0][0], 0);
  }
}

TEST_F(RowOps, StoreMovesRows) {
  constexpr int64_t kN = 70, kRow = 75, kRows = 5;
  const Vector x = uniform(random_, kRows * kRow);
  const Indices indices = {4, 0, 3, 77};
  for_each_row(StepOp::store_rows, [&](const StepProgram& program, TestMemory& memory) {
    StoreRowsArgs args;
    const Place cache = memory.floats(6 * kN);
    args.x = memory.put(x), args.slots = memory.put(indices);
    args.caches = memory.addresses({cache}), args.rooms = memory.put(Indices{5});
    args.rows = args.rows_of_text = 4, args.n = kN, args.x_row = kRow;
    run(program, args);
    const Vector stored = memory.get<float>(cache, 6 * kN);
    for (int64_t i = 0; i < 6 * kN; ++i) {
      const int64_t slot = i / kN, from = slot == 4 ? 0 : slot == 0 ? 1 : slot == 3 ? 2 : -1;
      EXPECT_EQ(at(stored, i), from < 0 ? 0 : at(x, from * kRow + i % kN)) << i;
    }
  });
}

// Of two texts, each into its own cache; of a third there is none, and nothing is looked at.
TEST_F(RowOps, StoreKnowsWhoseARowIs) {
  constexpr int64_t kN = 10, kRows = 6;
  const Vector x = uniform(random_, kRows * kN);
  for_each_row(StepOp::store_rows, [&](const StepProgram& program, TestMemory& memory) {
    const Place first = memory.floats(4 * kN), second = memory.floats(2 * kN);
    StoreRowsArgs args;
    args.x = memory.put(x), args.slots = memory.put(Indices{2, 3, 0, 2, 0, 1});
    args.caches = memory.addresses({first, second, {}}), args.rooms = memory.put(Indices{4, 2, 0});
    args.rows = kRows, args.rows_of_text = 2, args.n = args.x_row = kN;
    run(program, args);
    const auto rows = [&](std::initializer_list<int64_t> from) {
      Vector expected;
      for (const int64_t row : from)
        for (int64_t i = 0; i < kN; ++i) expected.push_back(row < 0 ? 0 : x[static_cast<size_t>(row * kN + i)]);
      return expected;
    };
    EXPECT_EQ(memory.get<float>(first, 4 * kN), rows({-1, -1, 0, 1}));
    EXPECT_EQ(memory.get<float>(second, 2 * kN), rows({2, -1}));
  });
}

TEST_F(RowOps, LayerNormOfRowsOfAnyLength) {
  for (const int64_t n : {1, 63, 384, 1025})
    for_each_row(StepOp::layer_norm, [&](const StepProgram& program, TestMemory& memory) {
      const int64_t rows = 3, row = n + 5;
      Vector x = uniform(random_, rows * row);
      for (float& v : x) v += 3;  // a mean that one pass over squares would not survive
      const Vector w = uniform(random_, n), bias = uniform(random_, n);
      for (const bool with_bias : {true, false}) {
        LayerNormArgs args;
        args.x = memory.put(x), args.w = memory.put(w), args.y = memory.put(x);
        if (with_bias) args.bias = memory.put(bias);
        args.rows = rows, args.n = n, args.x_row = args.y_row = row;
        run(program, args);
        const Vector y = memory.get<float>(args.y, rows * row);
        for (int64_t r = 0; r < rows; ++r) {
          double mean = 0, variance = 0;
          for (int64_t i = 0; i < n; ++i) mean += at(x, r * row + i) / static_cast<double>(n);
          for (int64_t i = 0; i < n; ++i) variance += std::pow(at(x, r * row + i) - mean, 2) / static_cast<double>(n);
          const double factor = 1 / std::sqrt(variance + double{args.epsilon});
          const double of_mean = 4 * (static_cast<double>(n) / 32 + 16) * kU;  // no more of the sum is one chain
          for (int64_t i = 0; i < row; ++i) {
            const double expected = (at(x, r * row + i) - mean) * factor * at(w, std::min(i, n - 1)) +
                                    (with_bias ? at(bias, std::min(i, n - 1)) : 0);
            if (i >= n)
              EXPECT_EQ(at(y, r * row + i), at(x, r * row + i));
            else
              EXPECT_NEAR(at(y, r * row + i), expected, (8 * of_mean + 16 * kU) * factor + 4 * kU) << r << ", " << i;
          }
        }
      }
    });
}

TEST_F(RowOps, ResidualNormsAddAndNormalise) {
  for (const int64_t n : {1, 63, 700})
    for_each_row(StepOp::residual_norms, [&](const StepProgram& program, TestMemory& memory) {
      const int64_t rows = 3;
      const Vector x = uniform(random_, rows * n), hidden = uniform(random_, rows * n);
      const Vector post = uniform(random_, n), next = uniform(random_, n);
      ResidualNormsArgs args;
      args.x = args.y = memory.put(x), args.hidden = memory.put(hidden);
      args.post = memory.put(post), args.next = memory.put(next);
      args.rows = rows, args.n = n, args.offset = 1.0f;
      run(program, args);
      const Vector y = memory.get<float>(args.y, rows * n), sums = memory.get<float>(args.hidden, rows * n);
      for (int64_t r = 0; r < rows; ++r) {
        const auto factor = [&](const auto& row) {
          double square = 0;
          for (int64_t i = 0; i < n; ++i) square += std::pow(row(i), 2) / static_cast<double>(n);
          return 1 / std::sqrt(square + double{args.epsilon});
        };
        const double of_x = factor([&](int64_t i) { return at(x, r * n + i); });
        const auto sum = [&](int64_t i) { return at(hidden, r * n + i) + at(x, r * n + i) * of_x * (1 + at(post, i)); };
        const double of_sum = factor(sum), bound = (static_cast<double>(n) / 16 + 64) * kU;
        for (int64_t i = 0; i < n; ++i) {
          EXPECT_NEAR(at(sums, r * n + i), sum(i), 4 * bound) << r << ", " << i;
          EXPECT_NEAR(at(y, r * n + i), sum(i) * of_sum * (1 + at(next, i)), 16 * bound * std::max(1.0, of_sum));
        }
      }
    });
}

TEST_F(RowOps, RotateNormalisesHeadsAndTurnsThem) {
  for_each_row(StepOp::rotate_rows, [&](const StepProgram& program, TestMemory& memory) {
    constexpr int64_t kHeads = 3, kKv = 2, kDim = 84, kPairs = 40, kRow = (kHeads + kKv) * kDim + 7, kContext = 9;
    const Indices positions = {4, 0, 8};
    const auto tokens = static_cast<int64_t>(positions.size());
    const Vector x = uniform(random_, tokens * kRow), query = uniform(random_, kDim), key = uniform(random_, kDim);
    Vector table;
    for (int64_t i = 0; i < kContext * kPairs; ++i) {
      const double angle = static_cast<double>(i / kPairs) * std::pow(1e4, -static_cast<double>(i % kPairs) / kPairs);
      table.push_back(static_cast<float>(std::cos(angle)));
      table.push_back(static_cast<float>(std::sin(angle)));
    }
    for (const bool norms : {false, true}) {
      RotateRowsArgs args;
      args.x = memory.put(x), args.table = memory.put(table), args.positions = memory.put(positions);
      if (norms) args.query_norm = memory.put(query), args.key_norm = memory.put(key);
      args.tokens = tokens, args.heads = kHeads, args.kv_heads = kKv, args.dim = kDim, args.pairs = kPairs;
      args.row = kRow, args.context = kContext, args.offset = 1.0f;
      run(program, args);
      const Vector y = memory.get<float>(args.x, tokens * kRow);
      for (int64_t i = 0; i < tokens * kRow; ++i) {
        const int64_t t = i / kRow, head = i % kRow / kDim, d = i % kRow % kDim, begin = i - d;
        if (head >= kHeads + kKv) {
          EXPECT_EQ(at(y, i), at(x, i));
          continue;
        }
        double square = 0;
        for (int64_t c = 0; c < kDim; ++c) square += std::pow(at(x, begin + c), 2) / kDim;
        const auto normed = [&](int64_t c) {
          const double w = 1 + at(head < kHeads ? query : key, c);
          return at(x, begin + c) * (norms ? w / std::sqrt(square + double{args.epsilon}) : 1);
        };
        const bool interleaved = program.variant().interleaved;
        const int64_t pair = interleaved ? d / 2 : d % kPairs;
        const bool second = interleaved ? d % 2 == 1 : d >= kPairs;
        const int64_t a = interleaved ? 2 * pair : pair, b = a + (interleaved ? 1 : kPairs);
        const int64_t angle = (positions[static_cast<size_t>(t)] * kPairs + pair) * 2;
        double expected = normed(d);
        if (d < 2 * kPairs)
          expected = second ? normed(a) * at(table, angle + 1) + normed(b) * at(table, angle)
                            : normed(a) * at(table, angle) - normed(b) * at(table, angle + 1);
        EXPECT_NEAR(at(y, i), expected, 120 * kU) << t << ", head " << head << ", " << d;
      }
    }
  });
}

TEST_F(RowOps, ActivationsAloneAndAsGates) {
  Vector x;
  for (int i = -1200; i <= 1200; ++i) x.push_back(static_cast<float>(i) * 0.01f);
  for (const float v : {1e-6f, -1e-6f, 3e-20f, 100.0f, -100.0f, 3e38f, -3e38f}) x.push_back(v);
  const auto n = static_cast<int64_t>(x.size());
  const Vector up = uniform(random_, n);
  for_each_row(StepOp::activate, [&](const StepProgram& program, TestMemory& memory) {
    for (const bool gated : {false, true})
      for (int f = 0; f <= static_cast<int>(Activation::sigmoid); ++f) {
        ActivateArgs args;
        args.function = static_cast<Activation>(f);
        args.x = memory.put(x), args.y = memory.floats(2 * n);
        if (gated) args.up = memory.put(up);
        args.rows = 1, args.n = n, args.x_row = args.up_row = args.y_row = n;
        run(program, args);
        const Vector y = memory.get<float>(args.y, 2 * n);
        for (int64_t i = 0; i < n; ++i) {
          const double expected = activated(args.function, at(x, i)) * (gated ? at(up, i) : 1);
          // Near 0 relative: a tanh of 1e-6 has all its digits.
          const double bound = std::fabs(expected) * 64 * kU + (std::fabs(at(x, i)) > 2 ? 8 * kU : 1e-22);
          EXPECT_NEAR(at(y, i), expected, bound) << f << " of " << at(x, i);
        }
        for (int64_t i = n; i < 2 * n; ++i) EXPECT_EQ(at(y, i), 0);
      }
  });
}

TEST_F(RowOps, PoolingOfRaggedTexts) {
  constexpr int64_t kWidth = 70, kTexts = 3, kRow = 2 * kWidth + 1;
  const Indices offsets = {0, 1, 6, 15}, skip = {0, 2, 8};
  const Vector x = uniform(random_, 15 * kWidth);
  for_each_row(StepOp::pool, [&](const StepProgram& program, TestMemory& memory) {
    for (const bool skips : {false, true})
      for (int mode = 0; mode <= static_cast<int>(PoolMode::weighted_mean); ++mode) {
        PoolArgs args;
        args.mode = static_cast<PoolMode>(mode);
        args.x = memory.put(x), args.offsets = memory.put(offsets);
        if (skips) args.skip = memory.put(skip);
        const Place y = memory.floats(kTexts * kRow);
        args.y = {y.buffer, kWidth * 4};
        args.texts = kTexts, args.tokens = 15, args.width = kWidth, args.y_row = kRow;
        run(program, args);
        const Vector all = memory.get<float>(y, kTexts * kRow);
        for (int64_t text = 0; text < kTexts; ++text)
          for (int64_t i = 0; i < kRow; ++i) {
            const int64_t skipped = skips ? skip[static_cast<size_t>(text)] : 0, c = i - kWidth;
            const int64_t begin = offsets[static_cast<size_t>(text)] + skipped;
            const int64_t end = offsets[static_cast<size_t>(text) + 1];
            const auto count = static_cast<double>(end - begin);
            if (c < 0 || c >= kWidth) {
              EXPECT_EQ(at(all, text * kRow + i), 0);
              continue;
            }
            double sum = 0, weighted = 0, weights = 0, largest = -9;
            for (int64_t t = begin; t < end; ++t) {
              const auto place = static_cast<double>(t - begin + skipped + 1);
              const double v = at(x, t * kWidth + c);
              sum += v, weighted += place * v, weights += place, largest = std::max(largest, v);
            }
            const double expected[] = {
                at(x, begin * kWidth + c), at(x, (end - 1) * kWidth + c), largest, sum / count, sum / std::sqrt(count),
                weighted / weights};
            EXPECT_NEAR(at(all, text * kRow + i), expected[mode], 64 * kU) << mode << ", text " << text << ", " << c;
          }
      }
  });
}

TEST_F(RowOps, RowsGetTheLengthOne) {
  constexpr int64_t kRows = 3, kN = 300, kRow = 310;
  Vector x = uniform(random_, kRows * kRow);
  std::fill_n(x.begin() + kRow, kN, 0.0f);
  for_each_row(StepOp::normalize_rows, [&](const StepProgram& program, TestMemory& memory) {
    NormalizeRowsArgs args;
    args.y = memory.put(x), args.rows = kRows, args.n = kN, args.row = kRow;
    run(program, args);
    const Vector y = memory.get<float>(args.y, kRows * kRow);
    for (int64_t r = 0; r < kRows; ++r) {
      double square = 0;
      for (int64_t i = 0; i < kN; ++i) square += std::pow(at(x, r * kRow + i), 2);
      for (int64_t i = 0; i < kRow; ++i) {
        const double expected = at(x, r * kRow + i) / (i < kN && square > 0 ? std::sqrt(square) : 1);
        EXPECT_NEAR(at(y, r * kRow + i), expected, i < kN ? 16 * kU : 0) << r << ", " << i;
      }
    }
  });
}

TEST_F(RowOps, WrongOperandsAreRefused) {
  const StepVariant* row = find_step_variant("layer_norm.64");
  ASSERT_NE(row, nullptr);
  auto program = StepProgram::create(*device_, *row);
  auto recording = device_->record();
  ASSERT_TRUE(program.ok() && recording.ok());
  TestMemory memory(device_);
  LayerNormArgs args;
  args.x = args.w = args.y = memory.floats(16);
  args.rows = 2, args.n = args.x_row = args.y_row = 16;
  EXPECT_EQ(program->record(**recording, args).message(),
            "x takes 128 bytes from 0 on, needed: that many in its buffer of 64");
  args.x_row = INT32_MAX, args.rows = 4;
  EXPECT_NE(program->record(**recording, args).message().find("at most 4294967295 floats"), std::string::npos);
  EXPECT_EQ(program->record(**recording, PoolArgs{}).message(), "layer_norm.64 was handed the arguments of another op");
}

}  // namespace
}  // namespace lathe::gpu
