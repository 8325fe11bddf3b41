#include "models/dense_head.h"

#include <algorithm>
#include <string>

#include "base/shown.h"

namespace lathe::models {
namespace {

// What PyTorch's classes are called. Identity and Tanh are what published models have.
constexpr std::pair<std::string_view, matmul::Activation> kFused[] = {{"Identity", matmul::Activation::none},
                                                                      {"ReLU", matmul::Activation::relu},
                                                                      {"GELU", matmul::Activation::gelu_erf},
                                                                      {"SiLU", matmul::Activation::silu}};

Status grow(Buffer& buffer, int64_t bytes) {
  if (static_cast<int64_t>(buffer.size()) >= bytes) return {};
  auto made = Buffer::create(bytes);
  if (!made) return made.status();
  buffer = std::move(*made);
  return {};
}

}  // namespace

DenseHead::DenseHead(matmul::Type stored, Team& team) : stored_(stored), workers_(team.size()) {}

Result<DenseHead> DenseHead::bind(std::span<const DenseLayer> layers, int64_t in, matmul::Type stored, Team& team,
                                  ops::PackedStore* store) {
  DenseHead head(stored, team);
  for (const DenseLayer& dense : layers) {
    if (dense.in != in)
      return corrupt(dense.weight->name + ": a Dense module takes " + std::to_string(dense.in) +
                     " elements, needed: the " + std::to_string(in) + " of what stands before it");
    Layer layer;
    layer.tanh = dense.activation == "Tanh";
    const auto fused = std::ranges::find(kFused, dense.activation, [](const auto& known) { return known.first; });
    if (!layer.tanh && fused == std::end(kFused))
      return unsupported(dense.weight->name + ": a Dense module's activation is " + shown(dense.activation) +
                         ", needed: Identity, Tanh, ReLU, GELU or SiLU");
    if (!layer.tanh) layer.fused = fused->second;
    auto linear = bind_linear(*dense.weight, dense.bias, stored, &team, store,
                              "dense module " + std::to_string(head.layers_.size()));
    if (!linear) return linear.status();
    layer.linear = std::move(*linear);
    head.layers_.push_back(std::move(layer));
    in = dense.out;
  }
  return head;
}

Result<DenseHead::Plans> DenseHead::plan(int64_t texts) const {
  Plans plans;
  for (const Layer& layer : layers_) {
    matmul::Problem problem;
    problem.m = texts;
    problem.n = layer.linear.weights.n();
    problem.k = layer.linear.weights.k();
    problem.w = stored_;
    problem.bias = !layer.linear.bias.empty();
    problem.act = layer.fused;
    auto made = ops::MatmulPlan::create(problem, nullptr, workers_);
    if (!made) return made.status();
    plans.push_back(std::move(*made));
  }
  return plans;
}

Status DenseHead::reserve(int64_t texts) {
  const auto at = static_cast<size_t>(texts);
  if (plans_.size() <= at) plans_.resize(at + 1);
  if (plans_[at] != nullptr) return {};
  auto plans = plan(texts);
  if (!plans) return plans.status();
  int64_t workspace = 64, widest = 0;
  for (const ops::MatmulPlan& made : *plans) workspace = std::max(workspace, made.workspace_bytes());
  for (const Layer& layer : layers_) widest = std::max(widest, layer.linear.weights.k());
  if (Status status = grow(workspace_, workspace); !status.ok()) return status;
  for (Buffer& rows : rows_)
    if (Status status = grow(rows, texts * widest * static_cast<int64_t>(sizeof(float))); !status.ok()) return status;
  plans_[at] = std::make_unique<const Plans>(std::move(*plans));
  return {};
}

std::vector<std::span<const std::byte>> DenseHead::memory() const {
  return {{rows_[0].data(), rows_[0].size()}, {rows_[1].data(), rows_[1].size()}};
}

std::vector<LinearWeights*> DenseHead::linears() {
  std::vector<LinearWeights*> all;
  for (Layer& layer : layers_) all.push_back(&layer.linear);
  return all;
}

void DenseHead::run(ops::Executor& x, int64_t texts, float* y) {
  const Plans& plans = *plans_[static_cast<size_t>(texts)];
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const int64_t n = layer.linear.weights.n();
    float* const c = i + 1 < layers_.size() ? rows_[(i + 1) % 2].as<float>() : y;
    ops::MatmulOperands operands;
    operands.a = rows_[i % 2].as<float>();
    operands.lda = layer.linear.weights.k();
    operands.weights = &layer.linear.weights;
    operands.c = c;
    operands.ldc = n;
    if (!layer.linear.bias.empty()) operands.epilogue.bias = layer.linear.bias.data();
    operands.epilogue.act = layer.fused;
    x.matmul("dense", plans[i], operands, workspace_.data());
    x.sync();
    if (!layer.tanh) continue;
    x.activate(activation::Function::tanh, {.rows = texts, .n = n, .x = c, .x_row = n, .y = c, .y_row = n});
    x.sync();
  }
}

}  // namespace lathe::models
