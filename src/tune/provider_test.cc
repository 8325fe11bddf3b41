#include "tune/provider.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <limits>
#include <random>

namespace lathe::tune {
namespace {

std::vector<float> random_values(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = uniform(random);
  return values;
}

// One matrix of each, dense; transposed operands lie the other way round.
std::vector<double> product(const std::vector<float>& a, const std::vector<float>& b, const ProductShape& s) {
  std::vector<double> c(static_cast<size_t>(s.batch * s.m * s.n));
  for (int64_t batch = 0; batch < s.batch; ++batch)
    for (int64_t i = 0; i < s.m; ++i)
      for (int64_t j = 0; j < s.n; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < s.k; ++k)
          sum += double{a[static_cast<size_t>(batch * s.m * s.k + (s.a_transposed ? k * s.m + i : i * s.k + k))]} *
                 double{b[static_cast<size_t>(batch * s.n * s.k + (s.b_transposed ? j * s.k + k : k * s.n + j))]};
        c[static_cast<size_t>((batch * s.m + i) * s.n + j)] = sum;
      }
  return c;
}

void expect_close(const std::vector<float>& c, const std::vector<double>& expected, int64_t k) {
  ASSERT_EQ(c.size(), expected.size());
  for (size_t i = 0; i < c.size(); ++i) ASSERT_NEAR(c[i], expected[i], static_cast<double>(k) * 0x1p-22) << i;
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

TEST(Provider, UnknownNamesAreErrorsThatListTheKnownOnes) {
  const auto provider = load_provider("atlas");
  ASSERT_FALSE(provider.ok());
  EXPECT_EQ(provider.status().code(), Code::invalid_argument);
  for (const std::string_view name : known_providers())
    EXPECT_NE(provider.status().message().find(name), std::string::npos) << provider.status().message();
  EXPECT_NE(provider.status().message().find("\"atlas\""), std::string::npos);
}

TEST(Provider, APathThatIsNoLibraryIsAnError) {
  const auto provider = load_provider("/nowhere/libcblas.so");
  ASSERT_FALSE(provider.ok());
  EXPECT_EQ(provider.status().code(), Code::not_found);
  EXPECT_NE(provider.status().message().find("/nowhere/libcblas.so"), std::string::npos);
}

TEST(Provider, ALibraryWithoutCblasIsAnError) {
  Dl_info libc;
  ASSERT_NE(dladdr(reinterpret_cast<void*>(&std::printf), &libc), 0);
  const auto provider = load_provider(libc.dli_fname);
  ASSERT_FALSE(provider.ok());
  EXPECT_NE(provider.status().message().find("cblas_sgemm"), std::string::npos) << provider.status().message();
}

TEST(Provider, TheSameNameIsTheSameProvider) {
  for (const Provider* provider : installed_providers()) {
    const auto again = load_provider(provider->name());
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(*again, provider);
  }
}

class EveryProvider : public testing::Test {
 protected:
  void SetUp() override {
    if (installed_providers().empty()) GTEST_SKIP() << "no vendor library is installed here";
  }
};

TEST_F(EveryProvider, HasAVersionAndComputes) {
  for (const Provider* provider : installed_providers())
    for (const int threads : {1, 2})
      for (const bool a_transposed : {false, true})
        for (const bool b_transposed : {false, true}) {
          SCOPED_TRACE(provider->name());
          EXPECT_FALSE(provider->version().empty());
          const ProductShape s = {1, 13, 37, 71, a_transposed, b_transposed, false};
          const auto a = random_values(s.m * s.k, 1), b = random_values(s.k * s.n, 2);
          std::vector<float> c(static_cast<size_t>(s.m * s.n), kNaN);
          provider->set_threads(threads);
          provider->sgemm({a_transposed, b_transposed, s.m, s.n, s.k, 1.0f, a.data(), a_transposed ? s.m : s.k,
                           b.data(), b_transposed ? s.k : s.n, 0.0f, c.data(), s.n});
          expect_close(c, product(a, b, s), s.k);
        }
}

TEST_F(EveryProvider, PreparedProductsComputeWithEachOfTheirWeights) {
  int prepared = 0;
  for (const Provider* provider : installed_providers()) {
    if (provider->prepared_routine() == nullptr) {
      EXPECT_FALSE(provider->prepare({1, 1, 1, 1, false, false, true}).ok());
      continue;
    }
    for (const int64_t batch : {1, 3})
      for (const bool packed : {false, true})
        for (const bool b_transposed : {false, true}) {
          const ProductShape s = {batch, 7, 45, 33, false, b_transposed, packed};
          auto made = provider->prepare(s);
          ASSERT_TRUE(made.ok()) << made.status().message();
          const auto a = random_values(batch * s.m * s.k, 1);
          const auto first = random_values(batch * s.k * s.n, 2), second = random_values(batch * s.k * s.n, 3);
          const auto one = (*made)->add_weights(first.data()), two = (*made)->add_weights(second.data());
          ASSERT_TRUE(one.ok() && two.ok());
          std::vector<float> c(static_cast<size_t>(batch * s.m * s.n), kNaN);
          (*made)->run(a.data(), *two, c.data());
          expect_close(c, product(a, second, s), s.k);
          (*made)->run(a.data(), *one, c.data());
          expect_close(c, product(a, first, s), s.k);
          ++prepared;
        }
  }
  if (prepared == 0) GTEST_SKIP() << "no library with prepared products is installed here";
}

}  // namespace
}  // namespace lathe::tune
