#include "models/weight_binder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "quant/blocks.h"

namespace lathe::models {
namespace {

constexpr int64_t kIn = 64;

// Blocks whose largest quant is far from 127: quantised again from their values they would be others.
std::vector<BlockQ8_0> small_quants(int64_t rows, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<BlockQ8_0> blocks(static_cast<size_t>(rows * kIn / 32));
  for (BlockQ8_0& block : blocks) {
    block.d = to_f16(0.01f);
    for (auto& q : block.qs) q = static_cast<int8_t>(static_cast<int>(random() % 41) - 20);
  }
  return blocks;
}

TensorView view_of(const std::string& name, const std::vector<BlockQ8_0>& blocks, int64_t rows) {
  return {name, DType::q8_0, {rows, kIn}, std::as_bytes(std::span<const BlockQ8_0>(blocks))};
}

void expect_same_bytes(const ops::Weights& found, const ops::Weights& expected) {
  ASSERT_EQ(found.bytes(), expected.bytes());
  EXPECT_EQ(std::memcmp(found.data(), expected.data(), static_cast<size_t>(found.bytes())), 0);
}

TEST(WeightBinder, QuantsOfTheFileStayAsTheyAre) {
  const auto a = small_quants(48, 1), b = small_quants(16, 2);
  const auto table = TensorTable::create({view_of("a.weight", a, 48), view_of("b.weight", b, 16)}, "test");
  WeightBinder bind(*table, "", matmul::Type::q8_0, nullptr);
  const WeightBinder::Part parts[] = {{"a", 48}, {"b", 16}};
  const LinearWeights joined = bind.linear(parts, kIn, false), alone = bind.linear("a", 48, kIn, false);
  ASSERT_TRUE(bind.status().ok()) << bind.status().message();

  auto both = a;
  both.insert(both.end(), b.begin(), b.end());
  const auto prepare = [](const std::vector<BlockQ8_0>& blocks, int64_t rows) {
    const matmul::Source source[] = {{.type = matmul::Type::q8_0, .data = blocks.data()}};
    return std::move(*ops::Weights::prepare(source, rows, kIn, matmul::Layout::panel_q8, nullptr));
  };
  expect_same_bytes(joined.weights, prepare(both, 64));
  expect_same_bytes(alone.weights, prepare(a, 48));
  std::vector<float> values(32);
  BlockQ8_0 again;
  decode(a[0], values.data());
  encode(values.data(), 32, &again);
  EXPECT_NE(again.d.bits, a[0].d.bits);  // the bytes above could tell
}

TEST(WeightBinder, PartsOfDifferentTypesAreJoinedAsNumbers) {
  const auto a = small_quants(16, 1);
  std::vector<float> b(static_cast<size_t>(16 * kIn), 0.5f);
  const TensorView plain = {"b.weight", DType::f32, {16, kIn}, std::as_bytes(std::span<const float>(b))};
  const auto table = TensorTable::create({view_of("a.weight", a, 16), plain}, "test");
  WeightBinder bind(*table, "", matmul::Type::f32, nullptr);
  const WeightBinder::Part parts[] = {{"a", 16}, {"b", 16}};
  const LinearWeights joined = bind.linear(parts, kIn, false);
  ASSERT_TRUE(bind.status().ok()) << bind.status().message();
  std::vector<float> values(static_cast<size_t>(32 * kIn), 0.5f);
  for (size_t i = 0; i < a.size(); ++i) decode(a[i], values.data() + i * 32);
  const matmul::Source source[] = {{.data = values.data(), .ld = kIn}};
  expect_same_bytes(joined.weights, *ops::Weights::prepare(source, 32, kIn, matmul::Layout::panel_f32, nullptr));
}

}  // namespace
}  // namespace lathe::models
