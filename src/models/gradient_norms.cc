#include "models/gradient_norms.h"

#include <array>
#include <cmath>

namespace lathe::models {
namespace {

constexpr std::array<std::string_view, 5> kParts = {"embedding", "attention", "mlp", "norms", "head"};

}  // namespace

GradientParts::GradientParts(const TrainLayout& layout, std::span<const ops::OptimizerPiece> pieces)
    : layers_(static_cast<int64_t>(layout.layers.size())) {
  size_t tensor = 0;
  for (const ops::OptimizerPiece& piece : pieces) {
    while (piece.offset >= layout.tensors[tensor].offset + layout.tensors[tensor].size) ++tensor;
    places_.push_back(layout.places[tensor]);
  }
}

GradientNorms GradientParts::norms(std::span<const double> sums) const {
  std::array<double, kParts.size()> parts{};
  std::array<bool, kParts.size()> there{};
  GradientNorms norms;
  norms.layers.resize(static_cast<size_t>(layers_));
  for (size_t i = 0; i < places_.size(); ++i) {
    const auto part = static_cast<size_t>(places_[i].part);
    there[part] = true;
    parts[part] += sums[i];
    if (places_[i].layer >= 0) norms.layers[static_cast<size_t>(places_[i].layer)] += sums[i];
  }
  for (size_t part = 0; part < kParts.size(); ++part)
    if (there[part]) norms.parts.emplace_back(kParts[part], std::sqrt(parts[part]));
  for (double& layer : norms.layers) layer = std::sqrt(layer);
  return norms;
}

}  // namespace lathe::models
