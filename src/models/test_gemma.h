// For tests: a small EmbeddingGemma with random weights, and its forward pass once more in float64, written after the
// formula.
#pragma once

#include <cmath>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/sentence_transformer.h"
#include "models/gemma_config.h"
#include "tensor/tensor_table.h"

namespace lathe::models::testing {

struct TestGemma {
  GemmaConfig config;
  std::deque<std::pair<std::string, std::vector<float>>> values;  // by Hugging Face's names
  std::vector<TensorView> views;                                  // of Hugging Face's files, or of GGUF

  explicit TestGemma(bool gguf = false, const std::string& prefix = "") : gguf_(gguf), prefix_(prefix) {
    config.width = 64;
    config.layers = 3;
    config.heads = 4;
    config.kv_heads = 2;
    config.head_dim = 16;
    config.intermediate = 96;
    config.vocabulary = 60;
    config.positions = 200;
    config.window = 5;
    config.sliding = {true, false, true};
    config.global = {.base = 1e6, .position_scale = 2};
    config.local = {.base = 1e4};
    config.scale = 0.3f;
    const int64_t w = config.width, queries = config.heads * config.head_dim, keys = config.kv_heads * config.head_dim;
    add("embed_tokens.weight", "token_embd.weight", {config.vocabulary, w}, 0.1f);
    add_norm("norm.weight", "output_norm.weight", w);
    for (int64_t i = 0; i < config.layers; ++i) {
      const std::string at = "layers." + std::to_string(i) + ".", to = "blk." + std::to_string(i) + ".";
      add_norm(at + "input_layernorm.weight", to + "attn_norm.weight", w);
      add_matrix(at + "self_attn.q_proj.weight", to + "attn_q.weight", queries, w);
      add_matrix(at + "self_attn.k_proj.weight", to + "attn_k.weight", keys, w);
      add_matrix(at + "self_attn.v_proj.weight", to + "attn_v.weight", keys, w);
      add_norm(at + "self_attn.q_norm.weight", to + "attn_q_norm.weight", config.head_dim);
      add_norm(at + "self_attn.k_norm.weight", to + "attn_k_norm.weight", config.head_dim);
      add_matrix(at + "self_attn.o_proj.weight", to + "attn_output.weight", w, queries);
      add_norm(at + "post_attention_layernorm.weight", to + "post_attention_norm.weight", w);
      add_norm(at + "pre_feedforward_layernorm.weight", to + "ffn_norm.weight", w);
      add_matrix(at + "mlp.gate_proj.weight", to + "ffn_gate.weight", config.intermediate, w);
      add_matrix(at + "mlp.up_proj.weight", to + "ffn_up.weight", config.intermediate, w);
      add_matrix(at + "mlp.down_proj.weight", to + "ffn_down.weight", w, config.intermediate);
      add_norm(at + "post_feedforward_layernorm.weight", to + "post_ffw_norm.weight", w);
    }
  }
  TestGemma(const TestGemma&) = delete;

  Result<TensorTable> table() const { return TensorTable::create(views, "test"); }

  using Matrix = std::vector<std::vector<double>>;

  // The mean over the tokens of the last layer.
  std::vector<double> mean(std::span<const int32_t> ids) const {
    Matrix h;
    for (const int32_t id : ids) {
      h.emplace_back();
      for (int64_t j = 0; j < config.width; ++j)
        h.back().push_back(all("embed_tokens.weight")[static_cast<size_t>(id * config.width + j)] *
                           std::sqrt(static_cast<double>(config.width)));
    }
    for (int64_t i = 0; i < config.layers; ++i) layer(h, i);
    h = norm(h, "norm.weight");
    std::vector<double> mean(h.front().size(), 0.0);
    for (const auto& row : h)
      for (size_t j = 0; j < mean.size(); ++j) mean[j] += row[j] / static_cast<double>(h.size());
    return mean;
  }
  static std::vector<double> of_length_one(std::vector<double> x) {
    double squares = 0;
    for (const double v : x) squares += v * v;
    for (double& v : x) v /= std::sqrt(squares);
    return x;
  }

 private:
  void add(const std::string& name, const std::string& gguf, Shape shape, float deviation, float shift = 0) {
    std::normal_distribution<float> normal(0, deviation);
    auto& [kept_name, kept] = values.emplace_back(name, std::vector<float>(static_cast<size_t>(*shape.elements())));
    for (float& x : kept) x = normal(random_);
    std::vector<float>* stored = &kept;
    if (gguf_ && shift != 0) {
      stored = &shifted_.emplace_back(kept);
      for (float& x : *stored) x += shift;
    }
    views.push_back({gguf_ ? gguf : prefix_ + name, DType::f32, shape, std::as_bytes(std::span<const float>(*stored))});
  }
  void add_norm(const std::string& name, const std::string& gguf, int64_t n) { add(name, gguf, {n}, 0.2f, 1.0f); }
  void add_matrix(const std::string& name, const std::string& gguf, int64_t out, int64_t in) {
    add(name, gguf, {out, in}, 1.0f / std::sqrt(static_cast<float>(in)));
  }
  const std::vector<float>& all(const std::string& name) const {
    for (const auto& [known, kept] : values)
      if (known == name) return kept;
    return values.front().second;
  }

  // Runs of as many elements as the weight has, each normalised on its own.
  Matrix norm(Matrix x, const std::string& name) const {
    const auto& weight = all(name);
    for (auto& row : x)
      for (size_t at = 0; at < row.size(); at += weight.size()) {
        double squares = 0;
        for (size_t j = 0; j < weight.size(); ++j) squares += row[at + j] * row[at + j];
        const double r = 1 / std::sqrt(squares / static_cast<double>(weight.size()) + double{config.eps});
        for (size_t j = 0; j < weight.size(); ++j) row[at + j] *= r * (1.0 + double{weight[j]});
      }
    return x;
  }
  Matrix linear(const Matrix& x, const std::string& name) const {
    const auto& weight = all(name + ".weight");
    Matrix y;
    for (const auto& row : x) {
      y.emplace_back(weight.size() / row.size(), 0.0);
      for (size_t j = 0; j < y.back().size(); ++j)
        for (size_t k = 0; k < row.size(); ++k) y.back()[j] += row[k] * weight[j * row.size() + k];
    }
    return y;
  }
  Matrix rotated(Matrix x, const GemmaConfig::Rope& rope) const {
    const auto dim = static_cast<size_t>(config.head_dim);
    for (size_t p = 0; p < x.size(); ++p)
      for (size_t head = 0; head < x[p].size(); head += dim)
        for (size_t i = 0; i < dim / 2; ++i) {
          const double angle = static_cast<double>(p) / rope.position_scale *
                               std::pow(rope.base, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
          double &a = x[p][head + i], &b = x[p][head + i + dim / 2];
          const double turned = a * std::cos(angle) - b * std::sin(angle);
          b = b * std::cos(angle) + a * std::sin(angle);
          a = turned;
        }
    return x;
  }
  Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v, bool sliding) const {
    const auto dim = static_cast<size_t>(config.head_dim), group = static_cast<size_t>(config.heads / config.kv_heads);
    Matrix y(q.size(), std::vector<double>(q.front().size(), 0.0));
    for (size_t head = 0; head < static_cast<size_t>(config.heads); ++head)
      for (size_t i = 0; i < q.size(); ++i) {
        std::vector<double> e(k.size(), 0.0);
        double sum = 0;
        for (size_t j = 0; j < k.size(); ++j) {
          if (sliding && std::abs(static_cast<int64_t>(i) - static_cast<int64_t>(j)) > config.window) continue;
          double score = 0;
          for (size_t c = 0; c < dim; ++c) score += q[i][head * dim + c] * k[j][head / group * dim + c];
          e[j] = std::exp(score * double{config.scale});
          sum += e[j];
        }
        for (size_t j = 0; j < k.size(); ++j)
          for (size_t c = 0; c < dim; ++c) y[i][head * dim + c] += e[j] / sum * v[j][head / group * dim + c];
      }
    return y;
  }
  static void add_to(Matrix& h, const Matrix& x) {
    for (size_t i = 0; i < h.size(); ++i)
      for (size_t j = 0; j < h[i].size(); ++j) h[i][j] += x[i][j];
  }
  void layer(Matrix& h, int64_t i) const {
    const std::string at = "layers." + std::to_string(i) + ".", self = at + "self_attn.", mlp = at + "mlp.";
    const bool sliding = config.sliding[static_cast<size_t>(i)];
    const GemmaConfig::Rope& rope = sliding ? config.local : config.global;
    const Matrix x = norm(h, at + "input_layernorm.weight");
    const Matrix q = rotated(norm(linear(x, self + "q_proj"), self + "q_norm.weight"), rope);
    const Matrix k = rotated(norm(linear(x, self + "k_proj"), self + "k_norm.weight"), rope);
    const Matrix context = attention(q, k, linear(x, self + "v_proj"), sliding);
    add_to(h, norm(linear(context, self + "o_proj"), at + "post_attention_layernorm.weight"));
    const Matrix y = norm(h, at + "pre_feedforward_layernorm.weight");
    Matrix gate = linear(y, mlp + "gate_proj");
    const Matrix up = linear(y, mlp + "up_proj");
    for (size_t t = 0; t < gate.size(); ++t)
      for (size_t j = 0; j < gate[t].size(); ++j) {
        const double g = gate[t][j];
        gate[t][j] = 0.5 * g * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g))) * up[t][j];
      }
    add_to(h, norm(linear(gate, mlp + "down_proj"), at + "post_feedforward_layernorm.weight"));
  }

  bool gguf_;
  std::string prefix_;
  std::deque<std::vector<float>> shifted_;
  std::mt19937 random_{7};
};

// Two Dense modules, the first with a bias and a tanh.
struct TestDense {
  std::vector<float> first, first_bias, second;
  TensorView views[3];
  std::vector<DenseLayer> layers;

  explicit TestDense(int64_t width) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal(0, 0.2f);
    const auto fill = [&](std::vector<float>& x, Shape shape, TensorView& view) {
      x.resize(static_cast<size_t>(*shape.elements()));
      for (float& v : x) v = normal(random);
      view = {"linear", DType::f32, shape, std::as_bytes(std::span<const float>(x))};
    };
    fill(first, {96, width}, views[0]);
    fill(first_bias, {96}, views[1]);
    fill(second, {40, 96}, views[2]);
    layers.resize(2);
    layers[0].in = width;
    layers[0].out = layers[1].in = 96;
    layers[1].out = 40;
    layers[0].activation = "Tanh";
    layers[1].activation = "Identity";
    layers[0].weight = &views[0];
    layers[0].bias = &views[1];
    layers[1].weight = &views[2];
  }
  std::vector<double> apply(const std::vector<double>& x) const {
    std::vector<double> inner(first_bias.begin(), first_bias.end()), y(40, 0.0);
    for (size_t j = 0; j < inner.size(); ++j) {
      for (size_t k = 0; k < x.size(); ++k) inner[j] += x[k] * first[j * x.size() + k];
      inner[j] = std::tanh(inner[j]);
    }
    for (size_t j = 0; j < y.size(); ++j)
      for (size_t k = 0; k < inner.size(); ++k) y[j] += inner[k] * second[j * inner.size() + k];
    return y;
  }
};

}  // namespace lathe::models::testing
