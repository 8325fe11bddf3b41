// For tests: a small BERT with random weights, and its forward pass once more in float64, written after the formula.
#pragma once

#include <cmath>
#include <cstring>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "models/bert_config.h"
#include "tensor/tensor_table.h"

namespace lathe::models::testing {

struct TestBert {
  BertConfig config;
  std::deque<std::pair<std::string, std::vector<float>>> values;  // what the table leads to
  std::vector<TensorView> views;

  explicit TestBert(const std::string& prefix = "", int64_t first_position = 0) : prefix_(prefix) {
    config = {.width = 48, .layers = 2, .heads = 4, .intermediate = 80, .vocabulary = 60, .positions = 90, .types = 2};
    config.first_position = first_position;
    const int64_t w = config.width, inner = config.intermediate;
    add("embeddings.word_embeddings.weight", {config.vocabulary, w}, 1.0f);
    add("embeddings.position_embeddings.weight", {config.positions, w}, 1.0f);
    add("embeddings.token_type_embeddings.weight", {config.types, w}, 1.0f);
    add_norm("embeddings.LayerNorm");
    for (int64_t i = 0; i < config.layers; ++i) {
      const std::string at = "encoder.layer." + std::to_string(i) + ".";
      for (const char* name : {"query", "key", "value"}) add_linear(at + "attention.self." + name, w, w);
      add_linear(at + "attention.output.dense", w, w);
      add_norm(at + "attention.output.LayerNorm");
      add_linear(at + "intermediate.dense", inner, w);
      add_linear(at + "output.dense", w, inner);
      add_norm(at + "output.LayerNorm");
    }
  }
  TestBert(const TestBert&) = delete;

  Result<TensorTable> table() const { return TensorTable::create(views, "test.safetensors"); }

  using Matrix = std::vector<std::vector<double>>;

  // The mean over the tokens of the last layer, of length 1.
  std::vector<double> embed(std::span<const int32_t> ids) const {
    Matrix h;
    for (size_t t = 0; t < ids.size(); ++t) {
      std::vector<double> row;
      for (int64_t j = 0; j < config.width; ++j)
        row.push_back(double{at("embeddings.word_embeddings.weight", ids[t] * config.width + j)} +
                      at("embeddings.token_type_embeddings.weight", j) +
                      at("embeddings.position_embeddings.weight",
                         (static_cast<int64_t>(t) + config.first_position) * config.width + j));
      h.push_back(row);
    }
    norm(h, "embeddings.LayerNorm");
    for (int64_t i = 0; i < config.layers; ++i) layer(h, "encoder.layer." + std::to_string(i) + ".");
    std::vector<double> mean(static_cast<size_t>(config.width), 0.0);
    double squares = 0;
    for (size_t j = 0; j < mean.size(); ++j) {
      for (const auto& row : h) mean[j] += row[j] / static_cast<double>(h.size());
      squares += mean[j] * mean[j];
    }
    for (double& x : mean) x /= std::sqrt(squares);
    return mean;
  }

 private:
  void add(const std::string& name, Shape shape, float deviation, float offset = 0.0f) {
    std::normal_distribution<float> normal(offset, deviation);
    auto& [kept_name, kept] = values.emplace_back(name, std::vector<float>(static_cast<size_t>(*shape.elements())));
    for (float& x : kept) x = normal(random_);
    views.push_back({prefix_ + name, DType::f32, shape, std::as_bytes(std::span<const float>(kept))});
  }
  void add_norm(const std::string& name) {
    add(name + ".weight", {config.width}, 0.2f, 1.0f);
    add(name + ".bias", {config.width}, 0.2f);
  }
  void add_linear(const std::string& name, int64_t out, int64_t in) {
    add(name + ".weight", {out, in}, 1.0f / std::sqrt(static_cast<float>(in)));
    add(name + ".bias", {out}, 0.2f);
  }
  float at(const std::string& name, int64_t i) const {
    for (const auto& [known, kept] : values)
      if (known == name) return kept[static_cast<size_t>(i)];
    return NAN;
  }
  const std::vector<float>& all(const std::string& name) const {
    for (const auto& [known, kept] : values)
      if (known == name) return kept;
    return values.front().second;
  }

  void norm(Matrix& h, const std::string& name) const {
    const auto &weight = all(name + ".weight"), &bias = all(name + ".bias");
    for (auto& row : h) {
      double mean = 0, variance = 0;
      for (const double x : row) mean += x / static_cast<double>(row.size());
      for (const double x : row) variance += (x - mean) * (x - mean) / static_cast<double>(row.size());
      for (size_t j = 0; j < row.size(); ++j)
        row[j] = (row[j] - mean) / std::sqrt(variance + double{config.eps}) * weight[j] + bias[j];
    }
  }
  Matrix linear(const Matrix& x, const std::string& name) const {
    const auto &weight = all(name + ".weight"), &bias = all(name + ".bias");
    Matrix y;
    for (const auto& row : x) {
      y.emplace_back(bias.begin(), bias.end());
      for (size_t j = 0; j < bias.size(); ++j)
        for (size_t k = 0; k < row.size(); ++k) y.back()[j] += row[k] * weight[j * row.size() + k];
    }
    return y;
  }
  Matrix attention(const Matrix& q, const Matrix& k, const Matrix& v) const {
    const auto dim = static_cast<size_t>(config.head_dim());
    Matrix y(q.size(), std::vector<double>(q.front().size(), 0.0));
    for (size_t head = 0; head < q.front().size(); head += dim)
      for (size_t i = 0; i < q.size(); ++i) {
        std::vector<double> e(k.size(), 0.0);
        double sum = 0;
        for (size_t j = 0; j < k.size(); ++j) {
          for (size_t c = head; c < head + dim; ++c) e[j] += q[i][c] * k[j][c];
          e[j] = std::exp(e[j] / std::sqrt(static_cast<double>(dim)));
          sum += e[j];
        }
        for (size_t j = 0; j < k.size(); ++j)
          for (size_t c = head; c < head + dim; ++c) y[i][c] += e[j] / sum * v[j][c];
      }
    return y;
  }
  static void add_to(Matrix& h, const Matrix& x) {
    for (size_t i = 0; i < h.size(); ++i)
      for (size_t j = 0; j < h[i].size(); ++j) h[i][j] += x[i][j];
  }
  void layer(Matrix& h, const std::string& name) const {
    const std::string self = name + "attention.self.";
    const Matrix context = attention(linear(h, self + "query"), linear(h, self + "key"), linear(h, self + "value"));
    add_to(h, linear(context, name + "attention.output.dense"));
    norm(h, name + "attention.output.LayerNorm");
    Matrix inner = linear(h, name + "intermediate.dense");
    for (auto& row : inner)
      for (double& x : row) x = 0.5 * x * (1 + std::erf(x * M_SQRT1_2));
    add_to(h, linear(inner, name + "output.dense"));
    norm(h, name + "output.LayerNorm");
  }

  std::string prefix_;
  std::mt19937 random_{7};
};

// Texts of these lengths with random tokens.
struct TestTexts {
  std::vector<int32_t> ids;
  std::vector<int64_t> offsets{0};

  TestTexts(std::initializer_list<int64_t> lengths, int64_t vocabulary) {
    std::mt19937 random(11);
    for (const int64_t length : lengths) {
      for (int64_t t = 0; t < length; ++t)
        ids.push_back(static_cast<int32_t>(random() % static_cast<uint32_t>(vocabulary)));
      offsets.push_back(static_cast<int64_t>(ids.size()));
    }
  }
  std::span<const int32_t> text(size_t i) const {
    return std::span(ids).subspan(static_cast<size_t>(offsets[i]), static_cast<size_t>(offsets[i + 1] - offsets[i]));
  }
};

}  // namespace lathe::models::testing
