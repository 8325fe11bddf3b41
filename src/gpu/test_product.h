// One product of a variant on a device, with random operands, against float64.
//
// The bound (of those that round to f16, both operands' roundings besides): a chain of K steps, fused or not, errs by
// at most 2 (K + 8) u of the sum of its terms' magnitudes, whatever its order; the epilogue carries that on and rounds;
// exp has the error that Vulkan allows it, 3 + 2|x| units in the last place. What lies between rows of x is NaN, and
// what lies between rows of y must stay as it was.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gpu/matmul_program.h"
#include "gpu/transfer.h"
#include "quant/blocks.h"

namespace lathe::gpu {

struct ProductTest {
  MatmulProblem problem;
  float alpha = 1.0f, beta = 0.0f;
  int64_t gap = 0;  // floats between rows of x (4 times as many) and y, over what a row needs
  uint64_t seed = 1;
  std::vector<float> row_scales{};  // row i of x is random times number i of them, in turn
};

inline std::string describe(const ProductTest& t) {
  const MatmulProblem& p = t.problem;
  return fmt::format("{}x{}x{}{}{}{}{} act {} alpha {} gap {}", p.m, p.n, p.k, p.gated ? " gated" : "",
                     p.bias ? " bias" : "", p.residual ? " residual" : "", p.accumulate ? " beta" : "",
                     static_cast<int>(p.act), t.alpha, t.gap);
}

class Product {
 public:
  explicit Product(const ProductTest& test);

  // Runs it `runs` times in one recording; the first output that is wrong, or what went wrong; empty where all is well.
  std::string run(const std::shared_ptr<Device>& device, const MatmulVariant& variant, int runs = 1);
  const std::vector<float>& y() const { return y_; }

 private:
  struct Value {
    double value = 0, error = 0;
  };
  void make_weights();
  template <class Block>
  void quantise();
  std::string compare() const;
  Value sum(int64_t row, int64_t column) const;
  bool rounds_ = false;  // x and W to f16
  Value expected(int64_t row, int64_t column) const;
  Value before_activation(int64_t row, int64_t column, int64_t out) const;
  std::vector<float> random(int64_t count);
  int64_t columns() const { return t_.problem.gated ? 2 * t_.problem.n : t_.problem.n; }

  static constexpr double kU = 0x1p-24, kHalfU = 0x1p-11 * 1.001;
  ProductTest t_;
  std::mt19937_64 random_;
  std::vector<std::byte> source_;
  std::vector<float> w_;  // the values that the source holds
  std::vector<float> x_, y_, old_, bias_, residual_;
  int64_t x_row_, y_row_;
};

inline std::vector<float> Product::random(int64_t count) {
  std::uniform_real_distribution<float> uniform(-1, 1);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = uniform(random_);
  return values;
}

inline Product::Product(const ProductTest& test) : t_(test), random_(test.seed) {
  const MatmulProblem& p = t_.problem;
  x_row_ = (p.k + 3) / 4 * 4 + 4 * t_.gap;
  y_row_ = p.n + t_.gap;
  make_weights();
  x_ = random(p.m * x_row_);
  if (const auto& scales = t_.row_scales; !scales.empty())
    for (size_t i = 0; i < x_.size(); ++i) x_[i] *= scales[i / static_cast<size_t>(x_row_) % scales.size()];
  for (int64_t i = 0; i < p.m; ++i)
    for (int64_t k = p.k; k < x_row_; ++k)
      x_[static_cast<size_t>(i * x_row_ + k)] = std::numeric_limits<float>::quiet_NaN();
  bias_ = random(columns());
  residual_ = random(p.m * y_row_);
  old_ = random(p.m * y_row_);
}

template <class Block>
void Product::quantise() {
  const int64_t k = t_.problem.k, blocks = (k + 31) / 32;
  source_.resize(static_cast<size_t>(columns() * source_column_bytes(t_.problem.w, k)));
  auto* out = reinterpret_cast<Block*>(source_.data());
  for (int64_t column = 0; column < columns(); ++column)
    for (int64_t b = 0; b < blocks; ++b) {
      float* values = w_.data() + column * k + b * 32;
      const int count = static_cast<int>(std::min<int64_t>(32, k - b * 32));
      Block block;
      float decoded[32];
      encode(values, count, &block);
      decode(block, decoded);
      std::copy_n(decoded, count, values);
      std::memcpy(static_cast<void*>(out + column * blocks + b), &block, sizeof block);
    }
}

inline void Product::make_weights() {
  const MatmulProblem& p = t_.problem;
  w_ = random(columns() * p.k);
  if (p.w == WeightType::q8_0) return quantise<BlockQ8_0>();
  if (p.w == WeightType::q4_0) return quantise<BlockQ4_0>();
  source_.resize(w_.size() * (p.w == WeightType::f32 ? 4 : 2));
  for (size_t i = 0; i < w_.size(); ++i) {
    if (p.w == WeightType::f32) {
      std::memcpy(source_.data() + i * 4, &w_[i], 4);
    } else {
      const f16 half = to_f16(w_[i]);
      w_[i] = to_float(half);
      std::memcpy(source_.data() + i * 2, &half, 2);
    }
  }
}

inline Product::Value Product::sum(int64_t row, int64_t column) const {
  const int64_t k = t_.problem.k;
  const float* x = x_.data() + row * x_row_;
  const float* w = w_.data() + column * k;
  Value v;
  double magnitude = 0;
  for (int64_t i = 0; i < k; ++i) {
    const double term = double{x[i]} * double{w[i]};
    v.value += term;
    magnitude += std::fabs(term);
  }
  v.error = (2 * static_cast<double>(k + 8) * kU + (rounds_ ? 2 * kHalfU : 0)) * magnitude;
  return v;
}

inline Product::Value Product::before_activation(int64_t row, int64_t column, int64_t out) const {
  const MatmulProblem& p = t_.problem;
  Value v = sum(row, column);
  const auto round = [&] { v.error += 2 * kU * std::fabs(v.value); };
  v.value *= double{t_.alpha}, v.error *= std::fabs(double{t_.alpha});
  round();
  if (p.accumulate) {
    const double term = double{t_.beta} * double{old_[static_cast<size_t>(out)]};
    v.value += term, v.error += 2 * kU * std::fabs(term);
    round();
  }
  if (p.bias) v.value += double{bias_[static_cast<size_t>(column)]}, round();
  return v;
}

inline double activated(Activation act, double v) {
  switch (act) {
    case Activation::relu:
      return std::max(v, 0.0);
    case Activation::gelu_erf:
      return 0.5 * v * (1 + std::erf(v * std::sqrt(0.5)));
    case Activation::gelu_tanh:
      return 0.5 * v * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (v + 0.044715 * v * v * v)));
    case Activation::silu:
      return v / (1 + std::exp(-v));
    case Activation::tanh:
      return std::tanh(v);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-v));
    case Activation::none:
      break;
  }
  return v;
}

inline Product::Value Product::expected(int64_t row, int64_t column) const {
  const MatmulProblem& p = t_.problem;
  const int64_t out = row * y_row_ + column;
  Value v = before_activation(row, column, out);
  if (p.act != Activation::none) {
    const double largest = std::fabs(v.value),
                 exponent = std::min(90.0, 1.6 * largest * (1 + 0.045 * largest * largest));
    v.value = activated(p.act, v.value);
    v.error = 1.13 * v.error + largest * 2 * kU * (16 + 2 * exponent);
  }
  if (p.gated) {
    const Value up = before_activation(row, p.n + column, out);
    v.error = v.error * std::fabs(up.value) + up.error * (std::fabs(v.value) + v.error);
    v.value *= up.value;
    v.error += 2 * kU * std::fabs(v.value);
  }
  if (p.residual) v.value += double{residual_[static_cast<size_t>(out)]}, v.error += 2 * kU * std::fabs(v.value);
  return v;
}

inline std::string Product::compare() const {
  const MatmulProblem& p = t_.problem;
  for (int64_t row = 0; row < p.m; ++row)
    for (int64_t column = 0; column < y_row_; ++column) {
      const auto at = static_cast<size_t>(row * y_row_ + column);
      if (column >= p.n) {
        if (std::memcmp(&y_[at], &old_[at], 4) != 0) return fmt::format("y[{},{}] was written", row, column);
        continue;
      }
      const Value e = expected(row, column);
      if (std::fabs(double{y_[at]} - e.value) <= e.error) continue;  // NaN is not
      return fmt::format("y[{},{}] is {}, expected {} within {}", row, column, y_[at], e.value, e.error);
    }
  return "";
}

inline std::string Product::run(const std::shared_ptr<Device>& device, const MatmulVariant& variant, int runs) {
  rounds_ = variant.rounds;
  const MatmulProblem& p = t_.problem;
  auto program = MatmulProgram::create(*device, variant, p);
  if (!program) return program.status().message();
  std::vector<std::byte> packed(static_cast<size_t>(program->weights().bytes));
  Status s = pack_weights(p.w, variant.layout, columns(), p.k, source_, packed);
  Transfer transfer(device);
  std::vector<std::shared_ptr<Buffer>> held;
  const auto place = [&](std::span<const std::byte> bytes) {
    if (!s.ok()) return Place{};
    auto buffer = device->create_buffer(static_cast<int64_t>(bytes.size()), MemoryUse::device);
    s = buffer ? transfer.upload(bytes, **buffer) : buffer.status();
    if (!buffer) return Place{};
    held.push_back(*buffer);
    return Place{held.back().get(), 0};
  };
  MatmulArgs args;
  args.w = place(packed);
  args.x = place(std::as_bytes(std::span(x_)));
  args.y = place(std::as_bytes(std::span(old_)));
  args.bias = place(std::as_bytes(std::span(bias_)));
  args.residual = place(std::as_bytes(std::span(residual_)));
  args.x_row = x_row_, args.y_row = args.residual_row = y_row_;
  args.alpha = t_.alpha, args.beta = t_.beta;
  if (!s.ok()) return s.message();
  auto recording = device->record();
  if (!recording) return recording.status().message();
  for (int i = 0; i < runs && s.ok(); ++i) {
    if (i > 0) (*recording)->barrier();
    s = program->record(**recording, args);
  }
  if (s.ok()) s = (*recording)->end();
  if (s.ok()) s = device->submit(**recording);
  y_.resize(old_.size());
  if (s.ok()) s = transfer.download(*args.y.buffer, 0, std::as_writable_bytes(std::span(y_)));
  return s.ok() ? compare() : s.message();
}

}  // namespace lathe::gpu
