#include "models/bert_weights.h"

#include <initializer_list>
#include <string>

#include "base/memory.h"
#include "quant/dequantize.h"

namespace lathe::models {
namespace {

constexpr const char* kPrefixes[] = {"", "bert.", "roberta.", "model."};

// Reads tensors by name below one prefix; the first error stays and all later reads do nothing.
class Binder {
 public:
  Binder(const TensorTable& tensors, matmul::Type stored, Team* team)
      : tensors_(tensors), stored_(stored), team_(team) {
    for (const char* prefix : kPrefixes)
      if (tensors.find(std::string(prefix) + "embeddings.word_embeddings.weight") != nullptr) {
        prefix_ = prefix;
        return;
      }
  }

  Status status() const { return status_; }

  ops::EmbeddingTable table(const std::string& name, const Shape& shape) {
    const TensorView* tensor = require(name, shape);
    if (tensor == nullptr) return {};
    auto made = ops::EmbeddingTable::create(*tensor);
    if (made) return *made;
    status_ = made.status();
    return {};
  }

  std::vector<float> vector(const std::string& name, int64_t n) {
    std::vector<float> values(static_cast<size_t>(n));
    read(name, {n}, values.data());
    return values;
  }

  NormWeights norm(const std::string& name, int64_t n) {
    return {vector(name + ".weight", n), vector(name + ".bias", n)};
  }

  // Several layers of one input as a single one: their outputs side by side.
  LinearWeights linear(std::initializer_list<std::string> names, int64_t out, int64_t in) {
    LinearWeights linear;
    if (!status_.ok()) return linear;
    const auto count = static_cast<int64_t>(names.size());
    auto rows = Buffer::create(count * out * in * static_cast<int64_t>(sizeof(float)));
    if (!rows) {
      status_ = rows.status();
      return linear;
    }
    linear.bias.resize(static_cast<size_t>(count * out));
    int64_t at = 0;
    for (const std::string& name : names) {
      read(name + ".weight", {out, in}, rows->as<float>() + at * in);
      read(name + ".bias", {out}, linear.bias.data() + at);
      at += out;
    }
    if (!status_.ok()) return linear;
    const matmul::Source source[] = {{.data = rows->data(), .ld = in}};
    auto packed = ops::Weights::prepare(source, count * out, in, matmul::prepared_layout(stored_), team_);
    if (packed)
      linear.weights = std::move(*packed);
    else
      status_ = packed.status();
    return linear;
  }

 private:
  const TensorView* require(const std::string& name, const Shape& shape) {
    if (!status_.ok()) return nullptr;
    const auto tensor = tensors_.require(prefix_ + name, shape);
    if (tensor) return *tensor;
    status_ = tensor.status();
    return nullptr;
  }

  void read(const std::string& name, const Shape& shape, float* out) {
    const TensorView* tensor = require(name, shape);
    if (tensor == nullptr) return;
    const Status read = dequantize(tensor->dtype, tensor->bytes, tensor->elements(), out);
    if (!read.ok()) status_ = Status(read.code(), prefix_ + name + ": " + read.message());
  }

  const TensorTable& tensors_;
  const matmul::Type stored_;
  Team* const team_;
  std::string prefix_;
  Status status_;
};

BertLayer bind_layer(Binder& bind, const BertConfig& c, int64_t layer) {
  const std::string at = "encoder.layer." + std::to_string(layer) + ".";
  const std::string self = at + "attention.self.";
  BertLayer bound;
  bound.qkv = bind.linear({self + "query", self + "key", self + "value"}, c.width, c.width);
  bound.out = bind.linear({at + "attention.output.dense"}, c.width, c.width);
  bound.attention_norm = bind.norm(at + "attention.output.LayerNorm", c.width);
  bound.up = bind.linear({at + "intermediate.dense"}, c.intermediate, c.width);
  bound.down = bind.linear({at + "output.dense"}, c.width, c.intermediate);
  bound.output_norm = bind.norm(at + "output.LayerNorm", c.width);
  return bound;
}

}  // namespace

Result<BertWeights> BertWeights::bind(const BertConfig& config, const TensorTable& tensors, matmul::Type stored,
                                      Team* team) {
  Binder bind(tensors, stored, team);
  BertWeights bound;
  bound.words = bind.table("embeddings.word_embeddings.weight", {config.vocabulary, config.width});
  bound.positions = bind.table("embeddings.position_embeddings.weight", {config.positions, config.width});
  const ops::EmbeddingTable types = bind.table("embeddings.token_type_embeddings.weight", {config.types, config.width});
  bound.norm = bind.norm("embeddings.LayerNorm", config.width);
  // A hostile count of layers ends at the first that is missing.
  for (int64_t layer = 0; layer < config.layers && bind.status().ok(); ++layer)
    bound.layers.push_back(bind_layer(bind, config, layer));
  if (!bind.status().ok()) return bind.status();
  bound.type.resize(static_cast<size_t>(config.width));
  types.decode_row(0, bound.type.data());
  return bound;
}

}  // namespace lathe::models
