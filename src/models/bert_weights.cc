#include "models/bert_weights.h"

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string>

#include "base/memory.h"
#include "quant/dequantize.h"

namespace lathe::models {
namespace {

constexpr const char* kPrefixes[] = {"", "bert.", "roberta.", "model."};

// Reads tensors by name below one prefix; the first error stays and all later reads do nothing.
class Binder {
 public:
  Binder(const TensorTable& tensors, matmul::Type stored, Team* team, ops::PackedStore* store)
      : tensors_(tensors), stored_(stored), team_(team), store_(store) {
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
    std::vector<float> values;
    if (require(name, {n}) == nullptr) return values;  // before any memory is taken: n may be any number
    values.resize(static_cast<size_t>(n));
    read(name, {n}, values.data());
    return values;
  }

  NormWeights norm(const std::string& name, int64_t n) {
    return {vector(name + ".weight", n), vector(name + ".bias", n)};
  }

  // Several layers of one input as a single one: their outputs side by side.
  LinearWeights linear(std::initializer_list<std::string> names, int64_t out, int64_t in) {
    LinearWeights linear;
    std::vector<const TensorView*> parts;
    ops::PackedKey key = {.k = in, .layout = matmul::prepared_layout(stored_)};
    for (const std::string& name : names) {  // before any memory is taken: what the file holds bounds it
      parts.push_back(require(name + ".weight", {out, in}));
      if (parts.back() == nullptr || require(name + ".bias", {out}) == nullptr) return linear;
      key.name += (key.name.empty() ? "" : "+") + name;
      key.n += out;
    }
    linear.bias.resize(static_cast<size_t>(key.n));
    int64_t at = 0;
    for (const std::string& name : names) {
      read(name + ".bias", {out}, linear.bias.data() + at);
      at += out;
    }
    if (!status_.ok()) return linear;
    auto packed = ops::kept_or(store_, key, [&] { return pack(parts, key, out, in); });
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

  // Where the file holds what a kernel's panels are made of, they are made of it, else of a copy in f32.
  Result<ops::Weights> pack(std::span<const TensorView* const> parts, const ops::PackedKey& key, int64_t out,
                            int64_t in) {
    const bool in_place = std::ranges::all_of(parts, [](const TensorView* part) {
      return part->dtype == DType::f32 && reinterpret_cast<uintptr_t>(part->bytes.data()) % alignof(float) == 0;
    });
    std::vector<matmul::Source> sources;
    Buffer rows;
    if (in_place && (parts.size() == 1 || out % matmul::kPanel == 0)) {
      for (const TensorView* part : parts) sources.push_back({.data = part->bytes.data(), .ld = in});
    } else {
      auto copy = Buffer::create(key.n * in * static_cast<int64_t>(sizeof(float)));
      if (!copy) return copy.status();
      rows = std::move(*copy);
      float* to = rows.as<float>();
      for (const TensorView* part : parts) {
        const Status read = dequantize(part->dtype, part->bytes, part->elements(), to);
        if (!read.ok()) return Status(read.code(), part->name + ": " + read.message());
        to += out * in;
      }
      sources.push_back({.data = rows.data(), .ld = in});
    }
    auto packed = ops::Weights::prepare_stacked(sources, key.n, in, key.layout, team_);
    if (store_ != nullptr)
      for (const TensorView* part : parts) store_->used_up(part->bytes);
    return packed;
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
  ops::PackedStore* const store_;
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
                                      Team* team, ops::PackedStore* store) {
  Binder bind(tensors, stored, team, store);
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
