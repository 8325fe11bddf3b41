#include "models/train_layout.h"

#include <functional>
#include <numeric>
#include <string>
#include <utility>

namespace lathe::models {
namespace {

using First = TrainLayout::First;
using matmul::Order;

class Builder {
 public:
  explicit Builder(const TrainConfig& config)
      : c_(config), q_(config.heads * config.head_dim), kv_(config.kv_heads * config.head_dim) {}

  TrainLayout build() {
    c_.family == TrainConfig::Family::gpt2 ? gpt2() : llama();
    return std::move(layout_);
  }

 private:
  int64_t add(std::string name, std::vector<int64_t> shape, First first) {
    return add(std::move(name), std::move(shape), first, part_);
  }
  int64_t add(std::string name, std::vector<int64_t> shape, First first, TrainPart part) {
    const int64_t offset = layout_.size;
    const int64_t size = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    const bool decay = shape.size() > 1;
    layout_.tensors.push_back({std::move(name), std::move(shape), offset, size, decay});
    layout_.first.push_back(first);
    layout_.places.push_back({part, layer_});
    layout_.size += size;
    return offset;
  }
  int64_t matrix(std::string name, int64_t rows, int64_t columns, First first = First::normal) {
    return add(std::move(name), {rows, columns}, first);
  }
  int64_t scale(std::string name, int64_t n) { return add(std::move(name), {n}, First::ones, TrainPart::norms); }
  int64_t bias(std::string name, int64_t n) { return add(std::move(name), {n}, First::zeros); }

  void llama() {
    const int64_t w = c_.width, f = c_.intermediate;
    layout_.words = matrix("model.embed_tokens.weight", c_.vocabulary, w);
    for (int64_t i = 0; i < c_.layers; ++i) {
      const std::string at = "model.layers." + std::to_string(i) + ".";
      TrainLayer layer;
      layer_ = i;
      part_ = TrainPart::attention;
      layer.attention_norm.weight = scale(at + "input_layernorm.weight", w);
      layer.qkv = {w, q_ + 2 * kv_, Order::nk, matrix(at + "self_attn.q_proj.weight", q_, w)};
      matrix(at + "self_attn.k_proj.weight", kv_, w);
      matrix(at + "self_attn.v_proj.weight", kv_, w);
      if (c_.family == TrainConfig::Family::qwen2) {
        layer.qkv.bias = bias(at + "self_attn.q_proj.bias", q_);
        bias(at + "self_attn.k_proj.bias", kv_);
        bias(at + "self_attn.v_proj.bias", kv_);
      }
      if (c_.family == TrainConfig::Family::qwen3) {
        layer.query_norm = scale(at + "self_attn.q_norm.weight", c_.head_dim);
        layer.key_norm = scale(at + "self_attn.k_norm.weight", c_.head_dim);
      }
      layer.out = {q_, w, Order::nk, matrix(at + "self_attn.o_proj.weight", w, q_, First::residual)};
      layer.ffn_norm.weight = scale(at + "post_attention_layernorm.weight", w);
      part_ = TrainPart::mlp;
      layer.up = {w, 2 * f, Order::nk, matrix(at + "mlp.gate_proj.weight", f, w)};
      matrix(at + "mlp.up_proj.weight", f, w);
      layer.down = {f, w, Order::nk, matrix(at + "mlp.down_proj.weight", w, f, First::residual)};
      layout_.layers.push_back(layer);
    }
    layer_ = -1;
    part_ = TrainPart::head;
    layout_.norm.weight = scale("model.norm.weight", w);
    layout_.head = c_.tied ? layout_.words : matrix("lm_head.weight", c_.vocabulary, w);
  }

  TrainLinear conv1d(const std::string& name, int64_t in, int64_t out, First first = First::normal) {
    TrainLinear linear{in, out, Order::kn, matrix(name + ".weight", in, out, first)};
    linear.bias = bias(name + ".bias", out);
    return linear;
  }
  TrainNorm layer_norm(const std::string& name) {
    TrainNorm norm{scale(name + ".weight", c_.width)};
    norm.bias = add(name + ".bias", {c_.width}, First::zeros, TrainPart::norms);
    return norm;
  }

  void gpt2() {
    const int64_t w = c_.width;
    layout_.words = layout_.head = matrix("transformer.wte.weight", c_.vocabulary, w);
    layout_.positions = matrix("transformer.wpe.weight", c_.context, w);
    for (int64_t i = 0; i < c_.layers; ++i) {
      const std::string at = "transformer.h." + std::to_string(i) + ".";
      TrainLayer layer;
      layer_ = i;
      part_ = TrainPart::attention;
      layer.attention_norm = layer_norm(at + "ln_1");
      layer.qkv = conv1d(at + "attn.c_attn", w, 3 * w);
      layer.out = conv1d(at + "attn.c_proj", w, w, First::residual);
      part_ = TrainPart::mlp;
      layer.ffn_norm = layer_norm(at + "ln_2");
      layer.up = conv1d(at + "mlp.c_fc", w, c_.intermediate);
      layer.down = conv1d(at + "mlp.c_proj", c_.intermediate, w, First::residual);
      layout_.layers.push_back(layer);
    }
    layer_ = -1;
    layout_.norm = layer_norm("transformer.ln_f");
  }

  const TrainConfig& c_;
  const int64_t q_, kv_;
  TrainPart part_ = TrainPart::embedding;  // of what is added
  int64_t layer_ = -1;
  TrainLayout layout_;
};

}  // namespace

TrainLayout train_layout(const TrainConfig& config) { return Builder(config).build(); }

}  // namespace lathe::models
