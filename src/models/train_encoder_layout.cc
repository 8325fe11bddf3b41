#include "models/train_encoder_layout.h"

#include <functional>
#include <numeric>
#include <string>
#include <utility>

namespace lathe::models {
namespace {

using First = TrainLayout::First;

class Builder {
 public:
  explicit Builder(const BertConfig& config) : c_(config) {}

  EncoderLayout build() {
    const int64_t w = c_.width, f = c_.intermediate;
    layout_.words = matrix("embeddings.word_embeddings.weight", c_.vocabulary, w);
    layout_.positions = matrix("embeddings.position_embeddings.weight", c_.positions, w);
    layout_.types = matrix("embeddings.token_type_embeddings.weight", c_.types, w);
    layout_.norm = norm("embeddings.LayerNorm");
    for (int64_t i = 0; i < c_.layers; ++i) {
      const std::string at = "encoder.layer." + std::to_string(i) + ".";
      TrainLayer layer;
      layer.qkv = attention_inputs(at + "attention.self.");
      layer.out = linear(at + "attention.output.dense", w, w);
      layer.attention_norm = norm(at + "attention.output.LayerNorm");
      layer.up = linear(at + "intermediate.dense", w, f);
      layer.down = linear(at + "output.dense", f, w);
      layer.ffn_norm = norm(at + "output.LayerNorm");
      layout_.layers.push_back(layer);
    }
    return std::move(layout_);
  }

 private:
  int64_t add(std::string name, std::vector<int64_t> shape, First first) {
    const int64_t offset = layout_.size;
    const int64_t size = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    const bool decay = shape.size() > 1;
    layout_.tensors.push_back({std::move(name), std::move(shape), offset, size, decay});
    layout_.first.push_back(first);
    layout_.size += size;
    return offset;
  }
  int64_t matrix(std::string name, int64_t rows, int64_t columns) {
    return add(std::move(name), {rows, columns}, First::normal);
  }
  TrainNorm norm(const std::string& name) {
    TrainNorm norm{add(name + ".weight", {c_.width}, First::ones)};
    norm.bias = add(name + ".bias", {c_.width}, First::zeros);
    return norm;
  }
  TrainLinear linear(const std::string& name, int64_t in, int64_t out) {
    TrainLinear linear{in, out, matmul::Order::nk, matrix(name + ".weight", out, in)};
    linear.bias = add(name + ".bias", {out}, First::zeros);
    return linear;
  }
  TrainLinear attention_inputs(const std::string& at) {
    constexpr const char* kNames[] = {"query", "key", "value"};
    const int64_t w = c_.width, weight = layout_.size;
    for (const char* name : kNames) matrix(at + name + ".weight", w, w);
    const int64_t bias = layout_.size;
    for (const char* name : kNames) add(at + name + ".bias", {w}, First::zeros);
    return {w, 3 * w, matmul::Order::nk, weight, bias};
  }

  const BertConfig& c_;
  EncoderLayout layout_;
};

}  // namespace

EncoderLayout encoder_layout(const BertConfig& config) { return Builder(config).build(); }

}  // namespace lathe::models
