// For tests: small decoders of every family with random weights, and their forward pass once more in float64, written
// after the formula.
#pragma once

#include <cmath>
#include <deque>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/types.h"
#include "models/decoder.h"
#include "quant/blocks.h"
#include "tensor/tensor_table.h"

namespace lathe::models::testing {

// What makes one family differ from another, at small sizes.
inline DecoderConfig small_decoder(const std::string& family) {
  DecoderConfig c;
  c.architecture = family;
  c.width = 48;
  c.heads = 6;
  c.kv_heads = 2;
  c.head_dim = 16;
  c.intermediate = 80;
  c.vocabulary = 70;
  c.positions = 400;
  c.layers.resize(3);
  c.global = c.local = {.rotary = 16, .base = 10000};
  c.attention_scale = 0.25f;
  if (family == "llama") {
    c.pairing = rope::Pairing::interleaved;
    apply_llama3({.factor = 8, .low = 1, .high = 4, .original = 64}, c.global);
  } else if (family == "qwen2") {
    c.qkv_bias = c.tied = true;
    apply_yarn({.factor = 4, .original = 64, .magnitude = 1.1386}, c.global);
  } else if (family == "qwen3") {
    c.query_key_norm = true;
  } else if (family == "smollm3") {
    c.layers[1].rotary = false;
    c.out_bias = c.qkv_bias = true;
  } else {  // gemma3
    c.query_key_norm = c.post_norms = c.tied = true;
    c.norm_offset = 1;
    c.activation = matmul::Activation::gelu_tanh;
    c.embedding_scale = std::sqrt(48.0f);
    c.layers[0].sliding = c.layers[2].sliding = true;
    c.window = 20;
    c.global.position_scale = 2;
    c.local.base = 500;
  }
  return c;
}
constexpr const char* kFamilies[] = {"llama", "qwen2", "qwen3", "smollm3", "gemma3"};

class TestDecoder {
 public:
  DecoderConfig config;

  explicit TestDecoder(const std::string& family, bool gguf = false) : config(small_decoder(family)), gguf_(gguf) {
    const int64_t w = config.width, queries = config.heads * config.head_dim, keys = config.kv_heads * config.head_dim;
    add("embed_tokens.weight", "token_embd.weight", {config.vocabulary, w}, 0.3f);
    add_norm("norm.weight", "output_norm.weight", w);
    if (!config.tied) add("lm_head.weight", "output.weight", {config.vocabulary, w}, 0.3f);
    for (size_t i = 0; i < config.layers.size(); ++i) {
      const std::string at = "layers." + std::to_string(i) + ".", to = "blk." + std::to_string(i) + ".";
      add_norm(at + "input_layernorm.weight", to + "attn_norm.weight", w);
      add_linear(at + "self_attn.q_proj", to + "attn_q", queries, w, config.qkv_bias);
      add_linear(at + "self_attn.k_proj", to + "attn_k", keys, w, config.qkv_bias);
      add_linear(at + "self_attn.v_proj", to + "attn_v", keys, w, config.qkv_bias);
      if (config.query_key_norm) {
        add_norm(at + "self_attn.q_norm.weight", to + "attn_q_norm.weight", config.head_dim);
        add_norm(at + "self_attn.k_norm.weight", to + "attn_k_norm.weight", config.head_dim);
      }
      add_linear(at + "self_attn.o_proj", to + "attn_output", w, queries, config.out_bias);
      if (config.post_norms) {
        add_norm(at + "post_attention_layernorm.weight", to + "post_attention_norm.weight", w);
        add_norm(at + "pre_feedforward_layernorm.weight", to + "ffn_norm.weight", w);
        add_norm(at + "post_feedforward_layernorm.weight", to + "post_ffw_norm.weight", w);
      } else {
        add_norm(at + "post_attention_layernorm.weight", to + "ffn_norm.weight", w);
      }
      add_linear(at + "mlp.gate_proj", to + "ffn_gate", config.intermediate, w, false);
      add_linear(at + "mlp.up_proj", to + "ffn_up", config.intermediate, w, false);
      add_linear(at + "mlp.down_proj", to + "ffn_down", w, config.intermediate, false);
    }
  }
  TestDecoder(const TestDecoder&) = delete;

  TensorTable table() const { return *TensorTable::create(views_, "test"); }
  std::unique_ptr<Decoder> bind(Team& team, StoredType stored = matmul::Type::f32) {
    table_ = table();  // the embedding leads into it
    auto weights = DecoderWeights::bind(config, table_, stored, &team);
    return weights ? std::make_unique<Decoder>(config, std::move(*weights), team) : nullptr;
  }

  // Rounds the weights whose names have `part` in them to bf16, and has the file keep them as that, or as f32.
  void round_to_bf16(std::string_view part, bool kept) {
    for (size_t i = 0; i < views_.size(); ++i) {
      auto& [name, values] = values_[i];
      if (name.find(part) == std::string::npos) continue;
      std::vector<bf16>& rounded = rounded_.emplace_back();
      for (float& x : values) x = to_float(rounded.emplace_back(to_bf16(x)));
      if (kept) views_[i].dtype = DType::bf16, views_[i].bytes = std::as_bytes(std::span(rounded));
    }
  }

  // Rounds all matrices to what blocks of q4_0 hold, so that weights kept as those have the values of the file.
  void round_to_q4_0() {
    for (size_t i = 0; i < views_.size(); ++i) {
      if (views_[i].shape.rank() != 2) continue;
      std::vector<float>& values = values_[i].second;
      const int64_t k = views_[i].shape[1];
      for (int64_t row = 0; row < std::ssize(values); row += k)
        for (int64_t at = 0; at < k; at += BlockQ4_0::kSize) {
          BlockQ4_0 block;
          float rounded[BlockQ4_0::kSize];
          const auto count = std::min<int64_t>(BlockQ4_0::kSize, k - at);
          encode(values.data() + row + at, static_cast<int>(count), &block);
          decode(block, rounded);
          std::copy_n(rounded, count, values.data() + row + at);
        }
    }
  }

  using Row = std::vector<double>;
  using Matrix = std::vector<Row>;

  // The logits behind every token.
  Matrix logits(std::span<const int32_t> ids) const {
    Matrix h;
    for (const int32_t id : ids) {
      Row row = row_of("embed_tokens.weight", id, config.width);
      for (double& x : row) x *= config.embedding_scale;
      h.push_back(row);
    }
    for (size_t i = 0; i < config.layers.size(); ++i) add_layer(h, i);
    Matrix all;
    for (const Row& row : h)
      all.push_back(product(config.tied ? "embed_tokens" : "lm_head", config.vocabulary, norm(row, "norm.weight")));
    return all;
  }

 private:
  std::span<float> new_values(const std::string& name, const std::string& gguf_name, const Shape& shape) {
    auto& [label, v] = values_.emplace_back(name, std::vector<float>(static_cast<size_t>(*shape.elements())));
    const std::string prefix = name == "lm_head.weight" ? "" : "model.";
    views_.push_back({gguf_ ? gguf_name : prefix + name, DType::f32, shape, std::as_bytes(std::span(v))});
    return v;
  }
  void add(const std::string& name, const std::string& gguf_name, const Shape& shape, float deviation, float mean = 0) {
    std::normal_distribution<float> normal(mean, deviation);
    for (float& x : new_values(name, gguf_name, shape)) x = normal(random_);
  }
  void add_norm(const std::string& name, const std::string& gguf_name, int64_t n) {
    add(name, gguf_name, {n}, 0.2f, 1 - config.norm_offset);
  }
  void add_linear(const std::string& name, const std::string& gguf_name, int64_t out, int64_t in, bool bias) {
    add(name + ".weight", gguf_name + ".weight", {out, in}, 1.0f / std::sqrt(static_cast<float>(in)));
    if (bias) add(name + ".bias", gguf_name + ".bias", {out}, 0.3f);
  }

  const std::vector<float>* find(const std::string& name) const {
    for (const auto& [label, v] : values_)
      if (label == name) return &v;
    return nullptr;
  }
  Row row_of(const std::string& name, int64_t i, int64_t n) const {
    const auto* v = find(name);
    return {v->begin() + i * n, v->begin() + (i + 1) * n};
  }
  Row product(const std::string& name, int64_t out, const Row& x) const {
    Row y(static_cast<size_t>(out));
    const auto& w = *find(name + ".weight");
    const auto* bias = find(name + ".bias");
    for (size_t o = 0; o < y.size(); ++o) {
      y[o] = bias != nullptr ? (*bias)[o] : 0.0;
      for (size_t j = 0; j < x.size(); ++j) y[o] += double{w[o * x.size() + j]} * x[j];
    }
    return y;
  }
  Row norm(Row x, const std::string& name) const {
    double squares = 0;
    for (const double v : x) squares += v * v;
    const double r = 1 / std::sqrt(squares / static_cast<double>(x.size()) + double{config.eps});
    const auto& w = *find(name);
    for (size_t j = 0; j < x.size(); ++j) x[j] *= r * (double{w[j]} + config.norm_offset);
    return x;
  }
  // Head h of a row, normalised and rotated.
  Row head(const Row& x, int64_t h, const std::string& norm_name, size_t layer, size_t position) const {
    const auto dim = static_cast<size_t>(config.head_dim);
    const auto begin = x.begin() + h * config.head_dim;
    Row y(begin, begin + config.head_dim);
    if (config.query_key_norm) y = norm(y, norm_name);
    const DecoderConfig::Layer& rules = config.layers[layer];
    if (!rules.rotary) return y;
    const RopeRule& rope = rules.sliding ? config.local : config.global;
    const size_t half = dim / 2;
    for (size_t i = 0; i < half; ++i) {
      double frequency = std::pow(rope.base, -2.0 * static_cast<double>(i) / static_cast<double>(dim));
      if (!rope.factors.empty()) frequency /= rope.factors[i];
      const double angle = static_cast<double>(position) / rope.position_scale * frequency;
      const double c = std::cos(angle) * rope.magnitude, s = std::sin(angle) * rope.magnitude;
      const bool halves = config.pairing == rope::Pairing::halves;
      double &a = y[halves ? i : 2 * i], &b = y[halves ? i + half : 2 * i + 1];
      const double before = a;
      a = before * c - b * s;
      b = b * c + before * s;
    }
    return y;
  }
  Matrix attention(const Matrix& h, size_t layer) const {
    const std::string at = "layers." + std::to_string(layer) + ".self_attn.";
    const std::string norm_name = "layers." + std::to_string(layer) + ".input_layernorm.weight";
    Matrix q, k, v, out;
    for (const Row& row : h) {
      const Row x = norm(row, norm_name);
      q.push_back(product(at + "q_proj", config.heads * config.head_dim, x));
      k.push_back(product(at + "k_proj", config.kv_heads * config.head_dim, x));
      v.push_back(product(at + "v_proj", config.kv_heads * config.head_dim, x));
    }
    const int64_t window = config.layers[layer].sliding ? config.window : -1;
    for (size_t t = 0; t < h.size(); ++t) {
      Row context;
      for (int64_t g = 0; g < config.heads; ++g) {
        const int64_t kv = g * config.kv_heads / config.heads;
        const Row query = head(q[t], g, at + "q_norm.weight", layer, t);
        const size_t first =
            window < 0 ? 0 : static_cast<size_t>(std::max<int64_t>(0, static_cast<int64_t>(t) - window));
        Row weights;
        double sum = 0;
        for (size_t j = first; j <= t; ++j) {
          const Row key = head(k[j], kv, at + "k_norm.weight", layer, j);
          double score = 0;
          for (size_t c = 0; c < key.size(); ++c) score += query[c] * key[c];
          weights.push_back(std::exp(score * config.attention_scale));
          sum += weights.back();
        }
        for (int64_t d = 0; d < config.head_dim; ++d) {
          double value = 0;
          for (size_t j = first; j <= t; ++j)
            value += weights[j - first] / sum * v[j][static_cast<size_t>(kv * config.head_dim + d)];
          context.push_back(value);
        }
      }
      out.push_back(product(at + "o_proj", config.width, context));
    }
    return out;
  }
  Row feed_forward(const Row& h, size_t layer) const {
    const std::string at = "layers." + std::to_string(layer) + ".";
    const Row x =
        norm(h, at + (config.post_norms ? "pre_feedforward_layernorm.weight" : "post_attention_layernorm.weight"));
    Row gate = product(at + "mlp.gate_proj", config.intermediate, x);
    const Row up = product(at + "mlp.up_proj", config.intermediate, x);
    for (size_t j = 0; j < gate.size(); ++j) {
      const double g = gate[j];
      gate[j] = config.activation == matmul::Activation::silu
                    ? g / (1 + std::exp(-g))
                    : 0.5 * g * (1 + std::tanh(std::sqrt(2 / M_PI) * (g + 0.044715 * g * g * g)));
      gate[j] *= up[j];
    }
    return product(at + "mlp.down_proj", config.width, gate);
  }
  void add_layer(Matrix& h, size_t layer) const {
    const std::string at = "layers." + std::to_string(layer) + ".";
    const auto add_to = [&](Row& to, Row what, const char* post) {
      if (config.post_norms) what = norm(what, at + post);
      for (size_t j = 0; j < to.size(); ++j) to[j] += what[j];
    };
    const Matrix attended = attention(h, layer);
    for (size_t t = 0; t < h.size(); ++t) {
      add_to(h[t], attended[t], "post_attention_layernorm.weight");
      add_to(h[t], feed_forward(h[t], layer), "post_feedforward_layernorm.weight");
    }
  }

  bool gguf_;
  std::mt19937 random_{7};
  std::deque<std::pair<std::string, std::vector<float>>> values_;  // by Hugging Face's names, without their prefix
  std::vector<TensorView> views_;
  std::deque<std::vector<bf16>> rounded_;
  TensorTable table_;
};

inline std::vector<int32_t> random_ids(int64_t count, int64_t vocabulary, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(static_cast<size_t>(count));
  for (int32_t& id : ids) id = static_cast<int32_t>(random() % static_cast<uint32_t>(vocabulary));
  return ids;
}

// One text alone: its tokens in chunks of `chunk`, the logits behind every token.
inline std::vector<float> run_alone(Decoder& decoder, std::span<const int32_t> ids, size_t chunk,
                                    ops::KvType type = ops::KvType::f32) {
  ops::KvPool pool(decoder.kv_shape(type));
  ops::KvText text(pool);
  ops::KvText* const texts[] = {&text};
  const auto vocabulary = static_cast<size_t>(decoder.config().vocabulary);
  std::vector<float> logits(ids.size() * vocabulary);
  std::vector<int64_t> rows;
  for (size_t first = 0; first < ids.size(); first += chunk) {
    const size_t count = std::min(chunk, ids.size() - first);
    const int64_t offsets[] = {0, static_cast<int64_t>(count)};
    rows.clear();
    for (size_t i = 0; i < count; ++i) rows.push_back(static_cast<int64_t>(i));
    const auto ran = decoder.run({.tokens = {ids.subspan(first, count), offsets},
                                  .texts = texts,
                                  .rows = rows,
                                  .logits = logits.data() + first * vocabulary});
    if (!ran) return {};
  }
  return logits;
}

}  // namespace lathe::models::testing
