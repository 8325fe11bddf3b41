// A product with operands of its own, its float64 result and a derived error bound. For tests only.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "base/checked.h"
#include "base/memory.h"
#include "base/types.h"
#include "ops/matmul.h"
#include "quant/blocks.h"
#include "quant/k_quants.h"

namespace lathe::ops {

// A variant's name as gtest allows it: the instruction set in it is what filters select.
struct VariantTestName {
  template <class Info>
  std::string operator()(const Info& info) const {
    std::string name = info.param->name;
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
  }
};

struct Comparison {
  double worst = 0;  // largest error over its bound; at most 1 is right
  int64_t row = 0, column = 0;
  double found = 0, expected = 0;
};

class TestProduct {
 public:
  static constexpr int64_t kGap = 3;  // columns of canaries behind every row of C
  static constexpr unsigned char kCanary = 0xA7;

  TestProduct(const matmul::Problem& problem, uint64_t seed) : p_(problem), rng_(seed) {
    make_a();
    make_w();
    make_epilogue();
    make_c();
  }

  void set_zero_points(int32_t a_zero) {
    epilogue_.a_zero = a_zero;
    for (int64_t j = 0; j < p_.n; ++j) w_zero_.push_back(static_cast<int32_t>(j % 11) - 5);
    epilogue_.w_zero = w_zero_.data();
  }
  float& a_at(int64_t row, int64_t k) { return reinterpret_cast<float*>(a_.data())[a_index(0, row, k)]; }
  double c_at(int64_t row, int64_t column) const { return c_value(c_, 0, row, column); }

  // `variant` nullptr: what dispatch chooses.
  Status run(const matmul::Variant* variant, Team& team) {
    c_ = c_before_;
    return execute(variant, team, p_, 0);
  }
  // The product of row `row` alone, written to its place in C.
  Status run_row_alone(const matmul::Variant* variant, Team& team, int64_t row) {
    c_ = c_before_;
    matmul::Problem alone = p_;
    alone.m = 1;
    return execute(variant, team, alone, row);
  }

  const std::vector<std::byte>& result() const { return c_; }
  std::vector<std::byte> row_of(const std::vector<std::byte>& c, int64_t row) const {
    const auto begin = c.begin() + row * ldc() * c_bytes();
    return {begin, begin + p_.n * c_bytes()};
  }
  bool canaries_intact() const {
    for (int64_t i = 0; i < p_.batch * p_.m; ++i)
      for (int64_t j = p_.n * c_bytes(); j < ldc() * c_bytes(); ++j)
        if (c_[static_cast<size_t>(i * ldc() * c_bytes() + j)] != std::byte{kCanary}) return false;
    return true;
  }

  Comparison compare() const {
    Comparison worst;
    for (int64_t b = 0; b < p_.batch; ++b)
      for (int64_t i = 0; i < p_.m; ++i)
        for (int64_t j = 0; j < p_.n; ++j) {
          const Expected e = expected(b, i, j);
          const double found = c_value(c_, b, i, j);
          const double ratio = e.value == found ? 0 : std::fabs(found - e.value) / e.bound;
          if (!(ratio <= worst.worst)) worst = {std::isnan(ratio) ? INFINITY : ratio, i, j, found, e.value};
        }
    return worst;
  }

 private:
  struct Expected {
    double value, bound;
  };
  static constexpr double kUnit = 0x1p-24;  // half a unit of the last place of f32, relative

  int64_t lda() const { return (p_.a_transposed ? p_.m : p_.k) + 5; }
  int64_t ldc() const { return p_.n + kGap; }
  int64_t ldw() const { return (p_.order == matmul::Order::nk ? p_.k : p_.n) + 2; }
  int64_t c_bytes() const { return p_.c == matmul::Type::f32 || p_.c == matmul::Type::s32 ? 4 : 2; }
  int64_t a_batch() const { return (p_.a_transposed ? p_.k : p_.m) * lda(); }
  int64_t w_batch() const { return (p_.order == matmul::Order::nk ? p_.n : p_.k) * ldw(); }
  int64_t a_index(int64_t batch, int64_t row, int64_t k) const {
    return batch * a_batch() + (p_.a_transposed ? k * lda() + row : row * lda() + k);
  }
  double a_value(int64_t batch, int64_t row, int64_t k) const {
    const size_t at = static_cast<size_t>(a_index(batch, row, k));
    switch (p_.a) {
      case matmul::Type::s8:
        return static_cast<int8_t>(a_[at]);
      case matmul::Type::u8:
        return static_cast<uint8_t>(a_[at]);
      default:
        return reinterpret_cast<const float*>(a_.data())[at];
    }
  }
  double w_value(int64_t batch, int64_t column, int64_t k, int half) const {
    return w_[half][static_cast<size_t>((batch * p_.n + column) * p_.k + k)];
  }
  double c_value(const std::vector<std::byte>& c, int64_t batch, int64_t row, int64_t column) const {
    const std::byte* at = c.data() + ((batch * p_.m + row) * ldc() + column) * c_bytes();
    uint32_t bits = 0;
    std::memcpy(&bits, at, static_cast<size_t>(c_bytes()));
    switch (p_.c) {
      case matmul::Type::s32:
        return static_cast<int32_t>(bits);
      case matmul::Type::bf16:
        return to_float(bf16{static_cast<uint16_t>(bits)});
      case matmul::Type::f16:
        return to_float(f16{static_cast<uint16_t>(bits)});
      default:
        return std::bit_cast<float>(bits);
    }
  }

  float random() { return std::uniform_real_distribution<float>(-1.0f, 1.0f)(rng_); }

  void make_a() {
    const int64_t elements = p_.batch * a_batch();
    a_.resize(static_cast<size_t>(elements * (p_.a == matmul::Type::f32 ? 4 : 1)));
    for (int64_t i = 0; i < elements; ++i) {
      if (p_.a == matmul::Type::f32) {
        reinterpret_cast<float*>(a_.data())[i] = random() * (i % 17 == 0 ? 20.0f : 1.0f);
      } else {
        a_[static_cast<size_t>(i)] = static_cast<std::byte>(rng_());
      }
    }
  }

  void make_w() {
    const bool blocks = matmul::k_unit(p_.w) > 1;
    matmul::Source sources[2];
    for (int half = 0; half < (p_.gated ? 2 : 1); ++half) {
      w_[half].resize(static_cast<size_t>(p_.batch * p_.n * p_.k));
      for (float& w : w_[half]) w = random();
      if (!p_.prepared) return lay_out_unprepared();
      sources[half] = source_of(half, blocks);
    }
    weights_ = *Weights::prepare({sources, static_cast<size_t>(p_.gated ? 2 : 1)}, p_.n, p_.k,
                                 matmul::prepared_layout(p_.w), nullptr);
  }

  void lay_out_unprepared() {
    raw_[0].resize(static_cast<size_t>(p_.batch * w_batch() * 4));
    float* raw = reinterpret_cast<float*>(raw_[0].data());
    for (int64_t b = 0; b < p_.batch; ++b)
      for (int64_t j = 0; j < p_.n; ++j)
        for (int64_t k = 0; k < p_.k; ++k)
          raw[b * w_batch() + (p_.order == matmul::Order::nk ? j * ldw() + k : k * ldw() + j)] =
              static_cast<float>(w_value(b, j, k, 0));
  }

  // The source in the weight's own type; w_ becomes what that type can hold.
  matmul::Source source_of(int half, bool blocks) {
    std::vector<float>& w = w_[half];
    std::vector<std::byte>& raw = raw_[half];
    if (blocks) return {.type = p_.w, .data = encode_blocks(w, raw)};
    const int64_t size = p_.w == matmul::Type::f32 ? 4 : p_.w == matmul::Type::i8 || p_.w == matmul::Type::s8 ? 1 : 2;
    raw.resize(static_cast<size_t>(w_batch() * size));
    for (int64_t j = 0; j < p_.n; ++j) {
      scale_[half].push_back(0.01f * static_cast<float>(1 + j % 5));
      for (int64_t k = 0; k < p_.k; ++k) {
        float& value = w[static_cast<size_t>(j * p_.k + k)];
        std::byte* at = raw.data() + (p_.order == matmul::Order::nk ? j * ldw() + k : k * ldw() + j) * size;
        store_weight(&value, at, scale_[half].back());
      }
    }
    return {.type = p_.w, .order = p_.order, .data = raw.data(), .ld = ldw(), .scale = scale_[half].data()};
  }

  void store_weight(float* value, std::byte* at, float scale) {
    switch (p_.w) {
      case matmul::Type::bf16:
      case matmul::Type::bf16_b16:
      case matmul::Type::bf16_d16: {
        const bf16 x = to_bf16(*value);
        std::memcpy(at, &x, 2);
        *value = to_float(x);
        break;
      }
      case matmul::Type::f16: {
        const f16 x = to_f16(*value);
        std::memcpy(at, &x, 2);
        *value = to_float(x);
        break;
      }
      case matmul::Type::i8:
      case matmul::Type::s8: {
        const auto x = static_cast<int8_t>(rng_());  // all 256 values, -128 too
        std::memcpy(at, &x, 1);
        *value = p_.w == matmul::Type::i8 ? static_cast<float>(x) * scale : static_cast<float>(x);
        break;
      }
      default:
        std::memcpy(at, value, 4);
    }
  }

  const void* encode_blocks(std::vector<float>& w, std::vector<std::byte>& raw) {
    switch (p_.w) {
      case matmul::Type::q4_0:
        return encode_as<BlockQ4_0>(w, raw);
      case matmul::Type::q4_1:
        return encode_as<BlockQ4_1>(w, raw);
      case matmul::Type::q4_k:
        return encode_as<BlockQ4_K>(w, raw);
      case matmul::Type::q5_k:
        return encode_as<BlockQ5_K>(w, raw);
      case matmul::Type::q6_k:
        return encode_as<BlockQ6_K>(w, raw);
      default:
        return encode_as<BlockQ8_0>(w, raw);
    }
  }

  template <class Block>
  const void* encode_as(std::vector<float>& w, std::vector<std::byte>& raw) {
    const int64_t blocks = ceil_div(p_.k, Block::kSize);
    raw.resize(static_cast<size_t>(p_.n * blocks) * sizeof(Block));
    for (int64_t j = 0; j < p_.n; ++j)
      for (int64_t b = 0; b < blocks; ++b) {
        float values[Block::kSize];
        float* from = w.data() + j * p_.k + b * Block::kSize;
        const int64_t count = std::min<int64_t>(Block::kSize, p_.k - b * Block::kSize);
        auto* block = reinterpret_cast<Block*>(raw.data()) + j * blocks + b;
        encode(from, static_cast<int>(count), block);
        decode(*block, values);
        std::copy_n(values, count, from);
      }
    return raw.data();
  }

  void make_epilogue() {
    epilogue_.act = p_.act;
    epilogue_.gated = p_.gated;
    if (p_.accumulate) {
      epilogue_.alpha = 0.75f;
      epilogue_.beta = -0.5f;
    }
    const auto fill = [&](std::vector<float>& v, int64_t count) {
      v.resize(static_cast<size_t>(count));
      for (float& x : v) x = random();
      return v.data();
    };
    if (p_.bias) epilogue_.bias = fill(bias_, p_.n * 2);
    if (p_.col_scale) epilogue_.col_scale = fill(col_scale_, p_.n);
    epilogue_.residual_ld = p_.n + 1;
    if (p_.residual) epilogue_.residual = fill(residual_, p_.batch * p_.m * epilogue_.residual_ld);
  }

  // C holds values where beta reads them, NaN where nothing should be read, canaries in the gaps.
  void make_c() {
    c_before_.assign(static_cast<size_t>(p_.batch * p_.m * ldc() * c_bytes()), std::byte{kCanary});
    for (int64_t i = 0; i < p_.batch * p_.m; ++i)
      for (int64_t j = 0; j < p_.n; ++j) {
        const float x = p_.accumulate ? random() : NAN;
        std::byte* at = c_before_.data() + (i * ldc() + j) * c_bytes();
        const bf16 b = to_bf16(x);
        const f16 h = to_f16(x);
        const void* from = p_.c == matmul::Type::bf16  ? static_cast<const void*>(&b)
                           : p_.c == matmul::Type::f16 ? static_cast<const void*>(&h)
                                                       : static_cast<const void*>(&x);
        std::memcpy(at, from, static_cast<size_t>(c_bytes()));
      }
    c_ = c_before_;
  }

  Status execute(const matmul::Variant* variant, Team& team, const matmul::Problem& problem, int64_t first_row) {
    auto plan = MatmulPlan::create(problem, variant, team.size());
    if (!plan) return plan.status();
    auto workspace = Buffer::create(plan->workspace_bytes());
    if (!workspace) return workspace.status();
    MatmulOperands x;
    const int64_t a_size = p_.a == matmul::Type::f32 ? 4 : 1;
    x.a = a_.data() + a_index(0, first_row, 0) * a_size;
    x.lda = lda();
    x.a_batch = a_batch();
    x.weights = &weights_;
    x.w = reinterpret_cast<const float*>(raw_[0].data());
    x.ldw = ldw();
    x.w_batch = w_batch();
    x.c = c_.data() + first_row * ldc() * c_bytes();
    x.ldc = ldc();
    x.c_batch = p_.m * ldc();
    x.epilogue = epilogue_;
    if (x.epilogue.residual != nullptr) x.epilogue.residual += first_row * epilogue_.residual_ld;
    team.run([&](Team::Worker& worker) { plan->run(worker, x, workspace->data()); });
    return {};
  }

  static double activate(double x, matmul::Activation act) {
    switch (act) {
      case matmul::Activation::none:
        return x;
      case matmul::Activation::relu:
        return std::max(x, 0.0);
      case matmul::Activation::gelu_erf:
        return 0.5 * x * (1 + std::erf(x * M_SQRT1_2));
      case matmul::Activation::gelu_tanh:
        return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
      case matmul::Activation::silu:
        return x / (1 + std::exp(-x));
    }
    return x;
  }

  // The sum of one element, and how far a right one may be from it: the rounding of K fused steps, 2^-24 each of
  // sum |a||w|, and where activations are quantised half a step of that in every term.
  Expected sum(int64_t batch, int64_t i, int64_t j, int half) const {
    double value = 0, norm = 0, quantised = 0, row_top = 0;
    for (int64_t k = 0; k < p_.k; ++k) row_top = std::max(row_top, std::fabs(a_value(batch, i, k)));
    const double za = epilogue_.a_zero, zw = w_zero_.empty() ? 0 : w_zero_[static_cast<size_t>(j)];
    const double row_levels = std::min<double>(32767, std::floor(2147483647.0 / (128.0 * static_cast<double>(p_.k))));
    const bool a8 = matmul::k_unit(p_.w) > 1 && p_.w != matmul::Type::q8_0 && p_.w != matmul::Type::q8_a7;
    constexpr double kLargest = 1.2;  // of the weights here
    double block_top = 0, block_range = 0;
    for (int64_t k = 0; k < p_.k; ++k) {
      if (k % 32 == 0) {
        double least = 0, most = 0;
        for (int64_t b = k; b < std::min(k + 32, p_.k); ++b) {
          least = std::min(least, a_value(batch, i, b));
          most = std::max(most, a_value(batch, i, b));
        }
        block_top = std::max(-least, most);
        block_range = most - least;
      }
      const double a = a_value(batch, i, k) - za, w = w_value(batch, j, k, half) - zw;
      value += a * w;
      norm += std::fabs(a * w);
      if (p_.w == matmul::Type::q8_0) quantised += 0.51 * block_top / 32767 * std::fabs(w);
      if (a8) {
        quantised += 0.51 * block_top / 127 * std::fabs(w);
        // scale * code and the offset are summed apart; codes reach to 63, and what is taken off is as large as the
        // largest weight of its span.
        norm += 2 * std::fabs(a) * kLargest;
      }
      // Where both ends of the range round outwards the largest is one step too low: 1.5 steps.
      if (p_.w == matmul::Type::q8_a7) quantised += 1.51 * block_range / 127 * std::fabs(w);
      if (p_.w == matmul::Type::bf16_b16) quantised += 0x1.01p-8 * std::fabs(a * w);
      // Rounding to odd is off by a whole unit, not by half of one, and twice for each pair.
      if (p_.w == matmul::Type::bf16_d16) quantised += 0x1.01p-8 * std::fabs(a * w), norm += std::fabs(a * w);
      if (p_.w == matmul::Type::i8) quantised += 0.51 * row_top / row_levels * std::fabs(w);
    }
    if (p_.c == matmul::Type::s32) return {value, 0};
    return {value, (static_cast<double>(p_.k) + 8) * kUnit * norm + quantised};
  }

  Expected before_activation(int64_t batch, int64_t i, int64_t j, int half) const {
    Expected e = sum(batch, i, j, half);
    if (p_.c == matmul::Type::s32) return e;
    const size_t column = static_cast<size_t>(j);
    const double factor = epilogue_.alpha * (p_.col_scale ? col_scale_[column] : 1.0f);
    double terms = std::fabs(e.value * factor);
    e.value *= factor;
    e.bound *= std::fabs(factor);
    if (p_.accumulate) {
      const double c = epilogue_.beta * c_value(c_before_, batch, i, j);
      e.value += c;
      terms += std::fabs(c);
    }
    if (p_.bias) {
      const double bias = bias_[column + static_cast<size_t>(half * p_.n)];
      e.value += bias;
      terms += std::fabs(bias);
    }
    e.bound += 4 * kUnit * terms;
    return e;
  }

  Expected expected(int64_t batch, int64_t i, int64_t j) const {
    Expected e = before_activation(batch, i, j, 0);
    if (p_.c == matmul::Type::s32) return e;
    if (p_.act != matmul::Activation::none) {
      const double x = e.value;
      e.value = activate(x, p_.act);
      // |f'| < 1.13 for every activation here; the approximations are good to a few units, GELU's tail to 2^-22 of x.
      e.bound = 1.13 * e.bound + 16 * kUnit * (std::fabs(e.value) + 0.25 * std::min(1.0, std::fabs(x)));
    }
    if (p_.gated) {
      const Expected up = before_activation(batch, i, j, 1);
      e.bound = e.bound * (std::fabs(up.value) + up.bound) + up.bound * std::fabs(e.value) +
                2 * kUnit * std::fabs(e.value * up.value);
      e.value *= up.value;
    }
    if (p_.residual) {
      e.value += residual_[static_cast<size_t>((batch * p_.m + i) * epilogue_.residual_ld + j)];
      e.bound += 2 * kUnit * (std::fabs(e.value) + 1);
    }
    const double unit = p_.c == matmul::Type::bf16 ? 0x1p-8 : p_.c == matmul::Type::f16 ? 0x1p-11 : kUnit;
    e.bound += unit * std::fabs(e.value) + (p_.c == matmul::Type::f16 ? 0x1p-24 : 1e-37);
    return e;
  }

  matmul::Problem p_;
  std::mt19937_64 rng_;
  std::vector<std::byte> a_, c_, c_before_;
  std::vector<float> w_[2];        // the real value of each weight, [batch][n][k]
  std::vector<std::byte> raw_[2];  // as the source holds it
  std::vector<float> scale_[2];    // i8
  Weights weights_;
  std::vector<float> bias_, col_scale_, residual_;
  std::vector<int32_t> w_zero_;
  matmul::Epilogue epilogue_;
};

}  // namespace lathe::ops
