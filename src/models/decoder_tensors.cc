#include "models/decoder_tensors.h"

#include "models/decoder_names.h"
#include "models/gpt2_weights.h"

namespace lathe::models {
namespace {

class List {
 public:
  List(const DecoderConfig& config, const std::string& prefix, bool side_by_side)
      : c_(config), from_(hugging_face_names(config.post_norms)), prefix_(prefix), side_by_side_(side_by_side) {}

  std::vector<DecoderTensor> take() && { return std::move(tensors_); }

  void model() {
    const std::string weight = ".weight";
    add(prefix_ + from_.words + weight, kGgufNames.words + weight, {c_.vocabulary, c_.width});
    for (size_t i = 0; i < c_.layers.size(); ++i) layer(i);
    add(prefix_ + from_.norm, kGgufNames.norm, {c_.width}).norm = true;
    if (!c_.tied) add(from_.head + weight, kGgufNames.head + weight, {c_.vocabulary, c_.width});
  }

 private:
  using Name = const char* DecoderNames::*;

  DecoderTensor& add(std::string hugging_face, std::string gguf, const Shape& shape) {
    return tensors_.emplace_back(DecoderTensor{std::move(hugging_face), std::move(gguf), shape});
  }
  void norm(Name name, int64_t n) { add(at_from_ + from_.*name, at_gguf_ + kGgufNames.*name, {n}).norm = true; }
  void linear(Name name, int64_t out, int64_t in, bool bias, int64_t heads = 0) {
    const std::string from = at_from_ + from_.*name, to = at_gguf_ + kGgufNames.*name;
    const int64_t turned = side_by_side_ ? heads : 0;
    add(from + ".weight", to + ".weight", {out, in}).heads = turned;
    if (bias) add(from + ".bias", to + ".bias", {out}).heads = turned;
  }
  void layer(size_t i) {
    const std::string number = std::to_string(i) + ".";
    at_from_ = prefix_ + from_.layers + number;
    at_gguf_ = kGgufNames.layers + number;
    const int64_t queries = c_.heads * c_.head_dim, keys = c_.kv_heads * c_.head_dim;
    norm(&DecoderNames::attention_norm, c_.width);
    linear(&DecoderNames::query, queries, c_.width, c_.qkv_bias, c_.heads);
    linear(&DecoderNames::key, keys, c_.width, c_.qkv_bias, c_.kv_heads);
    linear(&DecoderNames::value, keys, c_.width, c_.qkv_bias);
    if (c_.query_key_norm) {
      norm(&DecoderNames::query_norm, c_.head_dim);
      norm(&DecoderNames::key_norm, c_.head_dim);
    }
    linear(&DecoderNames::out, c_.width, queries, c_.out_bias);
    if (c_.post_norms) norm(&DecoderNames::attention_post_norm, c_.width);
    norm(&DecoderNames::ffn_norm, c_.width);
    linear(&DecoderNames::gate, c_.intermediate, c_.width, false);
    linear(&DecoderNames::up, c_.intermediate, c_.width, false);
    linear(&DecoderNames::down, c_.width, c_.intermediate, false);
    if (c_.post_norms) norm(&DecoderNames::ffn_post_norm, c_.width);
  }

  const DecoderConfig& c_;
  const DecoderNames from_;
  const std::string prefix_;
  const bool side_by_side_;
  std::string at_from_, at_gguf_;
  std::vector<DecoderTensor> tensors_;
};

std::vector<DecoderTensor> gpt2_tensors(const DecoderConfig& c, const std::string& prefix) {
  const Gpt2Names &from = kGpt2HuggingFace, &to = kGpt2Gguf;
  std::vector<DecoderTensor> all;
  std::string at_from = prefix, at_to;
  const auto add = [&](const char* Gpt2Names::*name, const char* suffix, const Shape& shape, bool transposed = false) {
    all.push_back({.hugging_face = at_from + from.*name + suffix,
                   .gguf = at_to + to.*name + suffix,
                   .shape = shape,
                   .transposed = transposed});
  };
  const auto norm = [&](const char* Gpt2Names::*name) {
    for (const char* suffix : {".weight", ".bias"}) add(name, suffix, {c.width});
  };
  const auto linear = [&](const char* Gpt2Names::*name, int64_t out, int64_t in) {
    add(name, ".weight", {out, in}, true);
    add(name, ".bias", {out});
  };
  add(&Gpt2Names::words, ".weight", {c.vocabulary, c.width});
  add(&Gpt2Names::positions, ".weight", {c.positions, c.width});
  for (size_t i = 0; i < c.layers.size(); ++i) {
    const std::string number = std::to_string(i) + ".";
    at_from = prefix + from.layers + number;
    at_to = to.layers + number;
    norm(&Gpt2Names::attention_norm);
    linear(&Gpt2Names::qkv, 3 * c.width, c.width);
    linear(&Gpt2Names::out, c.width, c.width);
    norm(&Gpt2Names::ffn_norm);
    linear(&Gpt2Names::up, c.intermediate, c.width);
    linear(&Gpt2Names::down, c.width, c.intermediate);
  }
  at_from = prefix;
  at_to.clear();
  norm(&Gpt2Names::norm);
  at_from.clear();
  if (!c.tied) add(&Gpt2Names::head, ".weight", {c.vocabulary, c.width});
  return all;
}

}  // namespace

std::vector<DecoderTensor> decoder_tensors(const DecoderConfig& config, const std::string& prefix, bool side_by_side) {
  if (config.layer_norms) return gpt2_tensors(config, prefix);
  List list(config, prefix, side_by_side);
  list.model();
  return std::move(list).take();
}

}  // namespace lathe::models
