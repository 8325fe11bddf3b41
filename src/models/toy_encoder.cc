#include "models/toy_encoder.h"

#include <cmath>
#include <random>
#include <span>

namespace lathe::models {

void ToyEncoder::add(const std::string& name, Shape shape, float deviation, float mean) {
  std::mt19937 random(seed_++);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float>& kept = values_.emplace_back(static_cast<size_t>(*shape.elements()));
  for (float& x : kept) x = normal(random);
  views_.push_back({name, DType::f32, shape, std::as_bytes(std::span<const float>(kept))});
}

void ToyEncoder::add_linear(const std::string& name, int64_t out, int64_t in) {
  add(name + ".weight", {out, in}, 1.0f / std::sqrt(static_cast<float>(in)));
  add(name + ".bias", {out}, 0.1f);
}

void ToyEncoder::add_norm(const std::string& name, int64_t width) {
  add(name + ".weight", {width}, 0.1f, 1.0f);
  add(name + ".bias", {width}, 0.1f);
}

void ToyEncoder::add_tensors(const ToySizes& s) {
  add("embeddings.word_embeddings.weight", {s.vocabulary, s.width}, 1.0f);
  add("embeddings.position_embeddings.weight", {s.positions, s.width}, 1.0f);
  add("embeddings.token_type_embeddings.weight", {2, s.width}, 1.0f);
  add_norm("embeddings.LayerNorm", s.width);
  for (int64_t i = 0; i < s.layers; ++i) {
    const std::string at = "encoder.layer." + std::to_string(i) + ".";
    for (const char* name : {"query", "key", "value"}) add_linear(at + "attention.self." + name, s.width, s.width);
    add_linear(at + "attention.output.dense", s.width, s.width);
    add_norm(at + "attention.output.LayerNorm", s.width);
    add_linear(at + "intermediate.dense", s.intermediate, s.width);
    add_linear(at + "output.dense", s.width, s.intermediate);
    add_norm(at + "output.LayerNorm", s.width);
  }
}

Result<std::unique_ptr<ToyEncoder>> ToyEncoder::create(const ToySizes& sizes, Team& team) {
  auto toy = std::make_unique<ToyEncoder>();
  toy->add_tensors(sizes);
  auto table = TensorTable::create(toy->views_, "toy");
  if (!table) return table.status();
  toy->table_ = std::move(*table);
  BertConfig config;
  config.width = sizes.width;
  config.layers = sizes.layers;
  config.heads = sizes.heads;
  config.intermediate = sizes.intermediate;
  config.vocabulary = sizes.vocabulary;
  config.positions = sizes.positions;
  config.types = 2;
  auto weights = BertWeights::bind(config, toy->table_, matmul::Type::f32, &team);
  if (!weights) return weights.status();
  toy->encoder_ = std::make_unique<BertEncoder>(config, std::move(*weights), matmul::Type::f32, team);
  return toy;
}

}  // namespace lathe::models
