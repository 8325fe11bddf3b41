// A layer of a model in a few lines: weights packed once, products of any number of rows, the kernel that ran named.
//   cmake: find_package(lathe 0.1 REQUIRED), target_link_libraries(... lathe::lathe)
#include <lathe/matmul.h>

#include <cstdio>
#include <vector>

namespace {

// Errors are values: every call that can fail gives a sentence to show.
int fail(const lathe::Status& status) {
  std::fprintf(stderr, "matmul: %s\n", status.message().c_str());
  return 1;
}

}  // namespace

int main() {
  constexpr int64_t kInputs = 384, kOutputs = 1536;

  // One engine for the whole application. It has as many threads as this machine lets the process use well.
  auto engine = lathe::Engine::create();
  if (!engine) return fail(engine.status());

  // Weights as PyTorch's Linear holds them: [outputs, inputs]. Packed once, here into 8-bit blocks, and `raw` may go.
  std::vector<float> raw(kOutputs * kInputs), bias(kOutputs, 0.5f);
  for (size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<float>(i * 7919 % 513) / 256.0f - 1.0f;
  auto weights = lathe::PreparedWeights::prepare(*engine, {.n = kOutputs, .k = kInputs, .data = raw.data()},
                                                 lathe::DataType::q8_0);
  if (!weights) return fail(weights.status());
  std::printf("weights   %lld bytes as f32, %lld packed as q8_0\n", static_cast<long long>(raw.size() * sizeof(float)),
              static_cast<long long>(weights->bytes()));

  // One product per number of rows: C = gelu(A * W + bias).
  for (const int64_t tokens : {int64_t{1}, int64_t{17}}) {
    const lathe::MatmulProblem problem = {.m = tokens,
                                          .n = kOutputs,
                                          .k = kInputs,
                                          .w = lathe::DataType::q8_0,
                                          .activation = lathe::Activation::gelu_erf,
                                          .bias = true};
    auto layer = lathe::Matmul::create(*engine, problem);
    if (!layer) return fail(layer.status());

    const std::vector<float> a(static_cast<size_t>(tokens * kInputs), 0.125f);
    std::vector<float> c(static_cast<size_t>(tokens * kOutputs));
    const lathe::Status status = layer->run({.a = a.data(), .weights = &*weights, .c = c.data(), .bias = bias.data()});
    if (!status.ok()) return fail(status);

    const auto choice = lathe::Matmul::choose(*engine, problem);
    if (!choice) return fail(choice.status());
    std::printf("%2lld rows   %s on %d threads, because %s; C[0,0] = %g\n", static_cast<long long>(tokens),
                std::string(layer->variant()).c_str(), engine->threads(), choice->reason.c_str(), c[0]);
  }

  // What cannot be is said in words.
  const auto impossible = lathe::Matmul::create(*engine, {.m = 0, .n = kOutputs, .k = kInputs});
  std::printf("M = 0     %s\n", impossible.status().message().c_str());
  return 0;
}
