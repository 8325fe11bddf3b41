#include "models/bert_weights.h"

#include <string>

namespace lathe::models {
namespace {

struct Names {
  const char *words, *positions, *types, *norm, *layers;
  // Within a layer.
  const char *query, *key, *value, *out, *attention_norm, *up, *down, *output_norm;
};

constexpr Names kHuggingFace = {
    .words = "embeddings.word_embeddings.weight",
    .positions = "embeddings.position_embeddings.weight",
    .types = "embeddings.token_type_embeddings.weight",
    .norm = "embeddings.LayerNorm",
    .layers = "encoder.layer.",
    .query = "attention.self.query",
    .key = "attention.self.key",
    .value = "attention.self.value",
    .out = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .up = "intermediate.dense",
    .down = "output.dense",
    .output_norm = "output.LayerNorm",
};
constexpr Names kGguf = {
    .words = "token_embd.weight",
    .positions = "position_embd.weight",
    .types = "token_types.weight",
    .norm = "token_embd_norm",
    .layers = "blk.",
    .query = "attn_q",
    .key = "attn_k",
    .value = "attn_v",
    .out = "attn_output",
    .attention_norm = "attn_output_norm",
    .up = "ffn_up",
    .down = "ffn_down",
    .output_norm = "layer_output_norm",
};

BertLayer bind_layer(WeightBinder& bind, const BertConfig& c, const Names& names, int64_t layer) {
  const std::string at = names.layers + std::to_string(layer) + ".";
  const WeightBinder::Part qkv[] = {
      {at + names.query, c.width}, {at + names.key, c.width}, {at + names.value, c.width}};
  BertLayer bound;
  bound.qkv = bind.linear(qkv, c.width, true);
  bound.out = bind.linear(at + names.out, c.width, c.width, true);
  bound.attention_norm = bind.norm(at + names.attention_norm, c.width);
  bound.up = bind.linear(at + names.up, c.intermediate, c.width, true);
  bound.down = bind.linear(at + names.down, c.width, c.intermediate, true);
  bound.output_norm = bind.norm(at + names.output_norm, c.width);
  return bound;
}

}  // namespace

Result<BertWeights> BertWeights::bind(const BertConfig& config, const TensorTable& tensors, matmul::Type stored,
                                      Team* team, ops::PackedStore* store) {
  const Names& names = tensors.find(kGguf.words) != nullptr ? kGguf : kHuggingFace;
  constexpr const char* kPrefixes[] = {"", "bert.", "roberta.", "model."};
  WeightBinder bind(tensors, prefix_of(tensors, kPrefixes, names.words), stored, team, store);
  BertWeights bound;
  bound.words = bind.table(names.words, {config.vocabulary, config.width});
  bound.positions = bind.table(names.positions, {config.positions, config.width});
  const ops::EmbeddingTable types = bind.table(names.types, {config.types, config.width});
  bound.norm = bind.norm(names.norm, config.width);
  // A hostile count of layers ends at the first that is missing.
  for (int64_t layer = 0; layer < config.layers && bind.status().ok(); ++layer)
    bound.layers.push_back(bind_layer(bind, config, names, layer));
  if (!bind.status().ok()) return bind.status();
  bound.type.resize(static_cast<size_t>(config.width));
  types.decode_row(0, bound.type.data());
  return bound;
}

std::vector<std::pair<std::string, std::string>> bert_tensor_names(int64_t layers) {
  std::vector<std::pair<std::string, std::string>> names;
  const auto add = [&](const std::string& hugging_face, const std::string& gguf) {
    for (const char* part : {".weight", ".bias"}) names.emplace_back(hugging_face + part, gguf + part);
  };
  for (const auto table : {&Names::words, &Names::positions, &Names::types})
    names.emplace_back(kHuggingFace.*table, kGguf.*table);
  add(kHuggingFace.norm, kGguf.norm);
  for (int64_t layer = 0; layer < layers; ++layer)
    for (const auto module : {&Names::query, &Names::key, &Names::value, &Names::out, &Names::attention_norm,
                              &Names::up, &Names::down, &Names::output_norm})
      add(kHuggingFace.layers + std::to_string(layer) + "." + kHuggingFace.*module,
          kGguf.layers + std::to_string(layer) + "." + kGguf.*module);
  return names;
}

}  // namespace lathe::models
