#include "kernels/norm/norm_backward.h"

#include <gtest/gtest.h>

#include <vector>

#include "kernels/common/gradient_testing.h"
#include "kernels/common/row_testing.h"
#include "kernels/norm/norm_backward_reference.h"

namespace lathe::norm {
namespace {

using namespace kernels::testing;

// What a case has: layer_norm or rms_norm, a weight and its offset, and dx to be added to.
struct Options {
  bool centred, weight;
  float weight_offset;
  bool add;
};
constexpr Options kOptions[] = {{false, false, 0, false}, {false, true, 1, false}, {false, true, 0, true},
                                {true, false, 0, false},  {true, true, 0, false},  {true, true, 0, true}};

// The arrays of some rows, each with a stride and a misalignment of its own. Five rows: four together and one alone.
struct Operands {
  int64_t rows, n;
  Rows x, dy, weight, dx, scale, mean, dweight, dbias;

  Operands(int64_t length, uint32_t seed, int64_t count = 5)
      : rows(count),
        n(length),
        x(rows, n, n % 7),
        dy(rows, n, 3, 1),
        weight(1, n),
        dx(rows, n, 5, 2),
        scale(1, rows),
        mean(1, rows),
        dweight(1, n, 2),
        dbias(1, n, 6) {
    std::mt19937 random(seed);
    for (Rows* r : {&x, &dy, &weight, &dx, &dweight, &dbias}) r->fill(random);
  }
  BackwardArgs args(const Options& o) {
    return {.rows = rows,
            .n = n,
            .x = x.data(),
            .x_row = x.stride(),
            .dy = dy.data(),
            .dy_row = dy.stride(),
            .weight = o.weight ? weight.data() : nullptr,
            .weight_offset = o.weight_offset,
            .dx = dx.data(),
            .dx_row = dx.stride(),
            .add = o.add,
            .scale = scale.data(),
            .mean = o.centred ? mean.data() : nullptr};
  }
  WeightGradientArgs weights(const Options& o, int64_t begin, int64_t end) {
    return {.rows = rows,
            .begin = begin,
            .end = end,
            .x = x.data(),
            .x_row = x.stride(),
            .dy = dy.data(),
            .dy_row = dy.stride(),
            .scale = scale.data(),
            .mean = o.centred ? mean.data() : nullptr,
            .dweight = dweight.data(),
            .dbias = o.centred ? dbias.data() : nullptr};
  }
  void run(const BackwardVariant& variant, const Options& o) {
    (o.centred ? variant.layer_norm : variant.rms_norm)(args(o));
    variant.weights(weights(o, 0, n));
  }
  BackwardReference reference(const Options& o) {
    BackwardReference r = {.centred = o.centred, .rows = rows, .n = n, .eps = double{1e-5f}};
    r.weight_offset = double{o.weight_offset};
    r.x = doubles(x), r.dy = doubles(dy);
    if (o.weight) r.weight = doubles(weight);
    r.backward();
    return r;
  }
  std::vector<Rows*> outputs() { return {&dx, &scale, &mean, &dweight, &dbias}; }
};

std::vector<double> sum(std::vector<double> a, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

using NormBackwardTest = EveryVariant<BackwardVariant>;
INSTANTIATE_TEST_SUITE_P(Table, NormBackwardTest,
                         ::testing::ValuesIn(backward_variants().begin(), backward_variants().end()),
                         variant_test_name<const BackwardVariant*>);

TEST_P(NormBackwardTest, HasTheBitsOfTheScalarRow) {
  for (const int64_t n : nasty_lengths())
    for (const Options& options : kOptions) {
      Operands found(n, 1), expected(n, 1);
      found.run(variant(), options);
      expected.run(backward_scalar, options);
      for (size_t i = 0; i < found.outputs().size(); ++i) {
        found.outputs()[i]->expect_same_bits(*expected.outputs()[i]);
        found.outputs()[i]->expect_canaries();
      }
    }
}

TEST_P(NormBackwardTest, IsNearFloat64) {
  for (const int64_t n : {1, 2, 7, 16, 17, 33, 100, 288, 1024, 4097})
    for (const Options& options : kOptions) {
      Operands o(n, 2);
      BackwardReference exact = o.reference(options);
      if (options.add) exact.dx = sum(exact.dx, doubles(o.dx));
      exact.dweight = sum(exact.dweight, doubles(o.dweight));
      exact.dbias = options.centred ? sum(exact.dbias, doubles(o.dbias)) : doubles(o.dbias);
      o.run(variant(), options);
      expect_close(doubles(o.dx), exact.dx, 1e-5, "dx of " + std::to_string(n));
      expect_close(doubles(o.dweight), exact.dweight, 1e-5, "dweight of " + std::to_string(n));
      expect_close(doubles(o.dbias), exact.dbias, 1e-6, "dbias of " + std::to_string(n));
    }
}

TEST_P(NormBackwardTest, WritesOverItsGradient) {
  for (const int64_t n : {1, 15, 16, 17, 100})
    for (const Options& options : {kOptions[1], kOptions[4]}) {
      Operands apart(n, 3), over(n, 3);
      apart.run(variant(), options);
      BackwardArgs a = over.args(options);
      a.dx = over.dy.data(), a.dx_row = over.dy.stride();
      (options.centred ? variant().layer_norm : variant().rms_norm)(a);
      over.dy.expect_same_bits(apart.dx);
    }
}

TEST_P(NormBackwardTest, HowColumnsAreDividedChangesNoBit) {
  const int64_t n = 75;
  for (const Options& options : {kOptions[1], kOptions[4]}) {
    Operands whole(n, 4), parts(n, 4);
    whole.run(variant(), options);
    (options.centred ? variant().layer_norm : variant().rms_norm)(parts.args(options));
    for (int64_t begin = 0; begin < n; begin += 19)
      variant().weights(parts.weights(options, begin, std::min(begin + 19, n)));
    parts.dweight.expect_same_bits(whole.dweight);
    parts.dbias.expect_same_bits(whole.dbias);
  }
}

// The order of addition of norm_backward.h, written down once more without any of the code it describes.
TEST(NormBackward, AddsInTheOrderOfTheContract) {
  const int64_t n = 37;
  Operands o(n, 5), before(n, 5);
  o.run(backward_scalar, kOptions[4]);
  const auto tree = [](const float* l) {
    const auto four = [&](int k) { return (l[k] + l[k + 8]) + (l[k + 4] + l[k + 12]); };
    return (four(0) + four(2)) + (four(1) + four(3));
  };
  for (int64_t i = 0; i < o.rows; ++i) {
    const float mean = o.mean.at(0, i), r = o.scale.at(0, i);
    float g_lanes[16] = {}, gh_lanes[16] = {};
    for (int64_t j = 0; j < n; ++j) {
      const float h = (o.x.at(i, j) - mean) * r, g = o.dy.at(i, j) * o.weight.at(0, j);
      g_lanes[j % 16] += g;
      gh_lanes[j % 16] = std::fma(g, h, gh_lanes[j % 16]);
    }
    const float shift = tree(g_lanes) / static_cast<float>(n), along = tree(gh_lanes) / static_cast<float>(n);
    for (int64_t j = 0; j < n; ++j) {
      const float h = (o.x.at(i, j) - mean) * r, g = o.dy.at(i, j) * o.weight.at(0, j);
      EXPECT_EQ(o.dx.at(i, j), r * std::fma(-h, along, g - shift));
      before.dweight.at(0, j) = std::fma(o.dy.at(i, j), h, before.dweight.at(0, j));
      before.dbias.at(0, j) += o.dy.at(i, j);
    }
  }
  o.dweight.expect_same_bits(before.dweight);
  o.dbias.expect_same_bits(before.dbias);
}

TEST(NormBackward, ReferenceHasTheSlopesOfItsForward) {
  for (const Options& options : kOptions) {
    Operands o(11, 6, 3);
    BackwardReference r = o.reference(options);
    if (r.weight.empty()) r.weight.assign(11, 1.0);
    r.bias.assign(11, 0.25);
    const auto loss = [&] {
      r.forward();
      return dot(r.y, r.dy);
    };
    expect_close(r.dx, central_differences(r.x, loss), 1e-8, "dx");
    expect_close(r.dweight, central_differences(r.weight, loss), 1e-8, "dweight");
    expect_close(r.dbias, central_differences(r.bias, loss), 1e-8, "dbias");
  }
}

TEST(NormBackward, TableGivesTheBestOfAMachine) {
  EXPECT_EQ(best_backward(0).isa, Isa::scalar);
  EXPECT_EQ(&best_backward(isa_needs(backward_variants().front()->isa)), backward_variants().front());
}

}  // namespace
}  // namespace lathe::norm
