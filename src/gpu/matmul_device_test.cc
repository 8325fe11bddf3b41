// Every row of the table on a device: shapes from its own geometry, every step of the epilogue, the same bits again.
#include "gpu/matmul.h"

#include <cstring>
#include <map>
#include <ostream>
#include <set>
#include <utility>
#include <vector>

#include "gpu/test_device.h"
#include "gpu/test_product.h"

namespace lathe::gpu {
namespace {

// k on both sides of what a unit, a block and a chunk hold. Quantised weights come in whole blocks, the last of which
// may be used in part.
std::vector<int64_t> ks_of(const MatmulVariant& v) {
  if (v.shader == "split_k") return {v.geometry.threads, v.geometry.threads * 5 + 40};
  if (v.shader == "tiled" || v.shader == "cooperative") return {1, 64, 97};
  if (v.shader == "head") return {64, 333};
  if (v.shader != "columns") return {1, 32, 96, 255};
  const int64_t chunk = int64_t{v.geometry.constants[2]} * k_of_unit(v.w);
  return {3, chunk, chunk + 32, 2 * chunk + 5};
}

std::vector<int64_t> ns_of(const MatmulVariant& v, const DeviceInfo& device) {
  const int64_t columns = columns_of_group(v, device);
  if (v.shader == "head") return {8192, 8192 + columns / 2 + 1};
  return {1, columns, 2 * columns + 1};
}

std::vector<int64_t> ms_of(const MatmulVariant& v) {
  if (v.m_most == 0) return {v.m_least, v.geometry.tile_m, v.geometry.tile_m + 1};
  if (v.m_least == v.m_most) return {v.m_least};
  return {v.m_least, v.m_most};
}

// Turn i of the epilogue's steps: each alone, then together, over every activation.
void add_steps(size_t i, ProductTest* t) {
  constexpr Activation kActs[] = {Activation::none, Activation::silu, Activation::gelu_tanh, Activation::gelu_erf,
                                  Activation::relu};
  MatmulProblem& p = t->problem;
  p.act = kActs[i % 5];
  p.bias = i % 2 == 1;
  p.residual = i % 3 == 2;
  p.gated = i % 4 == 3;
  p.accumulate = i % 4 == 2;
  t->alpha = i % 3 == 1 ? 0.75f : 1.0f;
  t->beta = p.accumulate ? -0.5f : 0.0f;
  t->gap = i % 2 == 0 ? 3 : 0;
}

// Every m with every k, n in turn; rows of the table begin at different turns of the epilogue.
std::vector<ProductTest> tests_of(const MatmulVariant& v, const DeviceInfo& device) {
  std::vector<ProductTest> tests;
  const auto first = static_cast<size_t>(&v - matmul_variants().data());
  const auto ns = ns_of(v, device);
  for (const int64_t m : ms_of(v))
    for (const int64_t k : ks_of(v)) {
      ProductTest t;
      t.problem.m = m, t.problem.n = ns[(first + tests.size()) % ns.size()], t.problem.k = k, t.problem.w = v.w;
      t.seed = 1 + tests.size();
      add_steps(first * 3 + tests.size(), &t);
      tests.push_back(t);
    }
  return tests;
}

bool is_beyond(const MatmulVariant& v, const DeviceInfo& device) {
  const bool may_be = v.matrix.m > 0 || threads_of_group(v, device) > device.most_threads;
  return may_be && !device_refusal(v, device).empty();
}

struct Family {
  std::string shader;
  WeightType w;
  std::string name() const { return shader + "_" + std::string(type_name(w)); }
  friend std::ostream& operator<<(std::ostream& out, const Family& family) { return out << family.name(); }
};
std::vector<Family> families() {
  std::set<std::pair<std::string, WeightType>> shaders;
  for (const MatmulVariant& v : matmul_variants()) shaders.insert({v.shader, v.w});
  std::vector<Family> made;
  for (const auto& [shader, w] : shaders) made.push_back({shader, w});
  return made;
}

class Matmul : public DeviceTest, public testing::WithParamInterface<Family> {
 protected:
  template <class Body>
  void for_each_row(const Body& body) {
    int64_t rows = 0;
    for (const MatmulVariant& v : matmul_variants()) {
      if (v.shader != GetParam().shader || v.w != GetParam().w) continue;
      SCOPED_TRACE(v.name);
      body(v);
      ++rows;
    }
    EXPECT_GT(rows, 0);
  }
};

TEST_P(Matmul, EveryRowIsRightAtShapesOfItsOwn) {
  for_each_row([&](const MatmulVariant& v) {
    int64_t taken = 0;
    for (const ProductTest& t : tests_of(v, device_->info())) {
      if (!matmul_refusal(v, t.problem, device_->info()).empty()) continue;
      EXPECT_EQ(Product(t).run(device_, v), "") << describe(t);
      ++taken;
    }
    // Nothing but what the device lacks may leave a row untried, and only matrices and threads may be lacking.
    ProductTest plain;
    plain.problem = tests_of(v, device_->info()).front().problem;
    if (taken == 0 && !is_beyond(v, device_->info()))
      ADD_FAILURE() << "no shape was taken: " << matmul_refusal(v, plain.problem, device_->info());
  });
}

TEST_P(Matmul, RunsAgainWithTheSameBits) {
  for_each_row([&](const MatmulVariant& v) {
    if (is_beyond(v, device_->info())) return;
    ProductTest t = tests_of(v, device_->info()).back();
    t.problem.accumulate = t.problem.gated = false, t.problem.residual = true;
    Product first(t), again(t);
    EXPECT_EQ(first.run(device_, v), "");
    EXPECT_EQ(again.run(device_, v, 3), "");
    EXPECT_EQ(std::memcmp(first.y().data(), again.y().data(), first.y().size() * 4), 0);
  });
}

// k with units left over behind the last turn of the chains, and a block that is used in part.
TEST_F(DeviceTest, RowsOfOneOrderHaveTheSameBitsForAnyRowsOfX) {
  for (int w = 0; w < kWeightTypes; ++w) {
    std::map<int64_t, std::vector<float>> first;  // of y, by the chains
    for (const MatmulVariant& v : matmul_variants()) {
      if (static_cast<int>(v.w) != w || v.order.pattern != AdditionPattern::in_turn) continue;
      ProductTest t;
      t.problem.m = v.m_most, t.problem.n = 70, t.problem.k = 617, t.problem.w = v.w;
      if (!matmul_refusal(v, t.problem, device_->info()).empty()) continue;
      SCOPED_TRACE(v.name);
      Product product(t);
      ASSERT_EQ(product.run(device_, v), "");
      std::vector<float> y(product.y().begin(), product.y().begin() + t.problem.n);
      const auto before = first.try_emplace(v.order.chains, y).first;
      EXPECT_EQ(std::memcmp(before->second.data(), y.data(), y.size() * 4), 0);
    }
    EXPECT_EQ(first.size(), 3u);
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, Matmul, testing::ValuesIn(families()),
                         [](const auto& family) { return family.param.name(); });

TEST_F(DeviceTest, AProductWhoseOperandsAreWrongIsRefused) {
  const MatmulVariant* v = find_matmul_variant("small.f32.64");
  ASSERT_NE(v, nullptr);
  MatmulProblem p;
  p.n = 8, p.k = 6, p.bias = true;
  auto program = MatmulProgram::create(*device_, *v, p);
  ASSERT_TRUE(program.ok()) << program.status().message();
  auto buffer = device_->create_buffer(1024, MemoryUse::device);
  auto recording = device_->record();
  ASSERT_TRUE(buffer.ok() && recording.ok());
  const Place place{buffer->get(), 0};
  MatmulArgs good;
  good.w = good.x = good.y = good.bias = place;
  good.x_row = good.y_row = 8;
  const auto message = [&](auto change) {
    MatmulArgs args = good;
    change(args);
    return program->record(**recording, args).message();
  };
  EXPECT_EQ(message([](MatmulArgs&) {}), "");
  EXPECT_EQ(message([](MatmulArgs& a) { a.w = {}; }), "W is missing");
  EXPECT_NE(message([&](MatmulArgs& a) { a.w.at = 832; }).find("W takes 1024 bytes from 832 on"), std::string::npos);
  EXPECT_NE(message([&](MatmulArgs& a) { a.x.at = 4; }).find("multiple of 16"), std::string::npos);
  EXPECT_NE(message([&](MatmulArgs& a) { a.x_row = 4; }).find("needed: 8 or more"), std::string::npos);
  EXPECT_NE(message([&](MatmulArgs& a) { a.x_row = 9; }).find("a multiple of 4"), std::string::npos);
  EXPECT_NE(message([&](MatmulArgs& a) { a.bias = {}; }).find("the bias is missing"), std::string::npos);
  p.m = 2;
  const auto refused = MatmulProgram::create(*device_, *v, p);
  EXPECT_EQ(refused.status().code(), Code::unsupported);
  EXPECT_EQ(refused.status().message(), "small.f32.64: 2 rows of x, needed: 1");
}

}  // namespace
}  // namespace lathe::gpu
