#include "models/decoder_weights.h"

#include <algorithm>
#include <map>
#include <string>

#include "models/decoder_names.h"
#include "models/gpt2_weights.h"

namespace lathe::models {
namespace {

DecoderLayer bind_layer(WeightBinder& bind, const DecoderConfig& c, const DecoderNames& names, size_t layer) {
  const std::string at = names.layers + std::to_string(layer) + ".";
  const int64_t queries = c.heads * c.head_dim, keys = c.kv_heads * c.head_dim;
  const WeightBinder::Part qkv[] = {{at + names.query, queries}, {at + names.key, keys}, {at + names.value, keys}};
  DecoderLayer bound;
  bound.attention_norm.weight = bind.vector(at + names.attention_norm, c.width);
  bound.qkv = bind.linears(qkv, c.width, c.qkv_bias);
  if (c.query_key_norm) {
    bound.query_norm = bind.vector(at + names.query_norm, c.head_dim);
    bound.key_norm = bind.vector(at + names.key_norm, c.head_dim);
  }
  bound.out = bind.linear(at + names.out, c.width, queries, c.out_bias);
  bound.ffn_norm.weight = bind.vector(at + names.ffn_norm, c.width);
  bound.gate_up = bind.gate_up(at + names.gate, at + names.up, c.intermediate, c.width);
  bound.down = bind.linear(at + names.down, c.width, c.intermediate, false);
  if (c.post_norms) {
    bound.attention_post_norm = bind.vector(at + names.attention_post_norm, c.width);
    bound.ffn_post_norm = bind.vector(at + names.ffn_post_norm, c.width);
  }
  return bound;
}

}  // namespace

Result<DecoderWeights> DecoderWeights::bind(const DecoderConfig& config, const TensorTable& tensors, StoredType stored,
                                            Team* team, ops::PackedStore* store) {
  if (config.layer_norms) return bind_gpt2(config, tensors, stored, team, store);
  const bool gguf = tensors.find("token_embd.weight") != nullptr;
  const DecoderNames names = gguf ? kGgufNames : hugging_face_names(config.post_norms);
  const std::string words = std::string(names.words) + ".weight";
  WeightBinder bind(tensors, prefix_of(tensors, kDecoderPrefixes, words), stored, team, store);
  WeightBinder bind_head(tensors, "", stored, team, store);  // its name has no prefix
  DecoderWeights bound;
  bound.words = bind.table(words, {config.vocabulary, config.width});
  bound.norm.weight = bind.vector(names.norm, config.width);
  // A hostile count of layers ends at the first that is missing.
  for (size_t layer = 0; layer < config.layers.size() && bind.status().ok(); ++layer)
    bound.layers.push_back(bind_layer(bind, config, names, layer));
  if (!bind.status().ok()) return bind.status();
  WeightBinder& head = config.tied ? bind : bind_head;
  bound.head = head.linear(config.tied ? names.words : names.head, config.vocabulary, config.width, false);
  if (!head.status().ok()) return head.status();
  return bound;
}

std::vector<LinearWeights*> DecoderWeights::products() {
  std::vector<LinearWeights*> all = {&head};
  for (DecoderLayer& layer : layers) {
    for (LinearWeights& linear : layer.qkv) all.push_back(&linear);
    for (LinearWeights& linear : layer.gate_up) all.push_back(&linear);
    all.insert(all.end(), {&layer.out, &layer.down});
  }
  return all;
}

std::vector<const LinearWeights*> DecoderWeights::products() const {
  const auto all = const_cast<DecoderWeights*>(this)->products();
  return {all.begin(), all.end()};
}

int64_t DecoderWeights::product_bytes() const {
  int64_t bytes = 0;
  for (const LinearWeights* linear : products()) bytes += linear->weights.bytes();
  return bytes;
}

matmul::Type DecoderWeights::main_type() const {
  std::map<matmul::Type, int64_t> bytes;
  for (const LinearWeights* linear : products()) bytes[linear->type] += linear->weights.bytes();
  return std::max_element(bytes.begin(), bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

}  // namespace lathe::models
