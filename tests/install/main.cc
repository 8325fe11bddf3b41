// Prepares weights and runs products through the installed header, and compares them with a plain loop.
#include <lathe/matmul.h>
#include <lathe/status.h>

#include <cmath>
#include <cstdio>
#include <vector>

namespace {

constexpr int64_t kM = 5, kN = 37, kK = 64;

bool near(const std::vector<float>& a, const std::vector<float>& w, const std::vector<float>& c) {
  for (int64_t i = 0; i < kM; ++i)
    for (int64_t j = 0; j < kN; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < kK; ++k) sum += double{a[i * kK + k]} * w[j * kK + k];
      const double found = c[i * kN + j];
      if (!(std::fabs(found - sum) <= 1e-4)) {  // 64 steps of numbers below 1: 64 * 64 * 2^-24
        std::printf("consumer: C[%d,%d] is %g, the plain loop has %g\n", int(i), int(j), found, sum);
        return false;
      }
    }
  return true;
}

lathe::Status multiply(const std::vector<float>& a, const std::vector<float>& w, std::vector<float>& c) {
  auto engine = lathe::Engine::create({.threads = 2});
  if (!engine) return engine.status();
  auto weights = lathe::PreparedWeights::prepare(*engine, {.n = kN, .k = kK, .data = w.data()});
  if (!weights) return weights.status();
  auto product = lathe::Matmul::create(*engine, {.m = kM, .n = kN, .k = kK});
  if (!product) return product.status();
  std::printf("consumer: %s\n", std::string(product->variant()).c_str());
  return product->run({.a = a.data(), .weights = &*weights, .c = c.data()});
}

}  // namespace

int main() {
  std::vector<float> a(kM * kK), w(kN * kK), c(kM * kN, NAN);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i * 37 % 101) / 101.0f - 0.5f;
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i * 53 % 97) / 97.0f - 0.5f;
  if (const lathe::Status status = multiply(a, w, c); !status.ok()) {
    std::printf("consumer: %s\n", status.message().c_str());
    return 1;
  }
  return near(a, w, c) ? 0 : 1;
}
