// What a training step keeps, and where: sizes first, so that they can be said before anything is allocated, and the
// same sizes then cut the memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/memory.h"
#include "base/types.h"
#include "lathe/status.h"
#include "models/layer_products.h"
#include "models/train_layout.h"
#include "models/train_model.h"
#include "models/train_plans.h"

namespace lathe::models {

// Sizes of one token's rows, in elements.
struct TrainRows {
  int64_t width, queries, keys, qkv, up, act;  // keys: of the keys alone, as of the values
  explicit TrainRows(const TrainConfig& config, const TrainLayout& layout);
};

// Kept of a layer for the way back: the input of the layer stands in TrainMemory::x.
struct LayerActivations {
  float* qkv = nullptr;     // rotated, but for qwen3: as the product gave them
  float* y = nullptr;       // what attention gave
  float* lse = nullptr;     // [heads] of a token, as ops::WindowAttention has it
  float* middle = nullptr;  // behind attention and its residual
  float* up = nullptr;      // gate and up, or what the activation is of
  // Where activations are kept as bf16: qkv, y and up then are one memory for all layers.
  bf16 *rounded_qkv = nullptr, *rounded_y = nullptr, *rounded_up = nullptr;
};

class TrainMemory {
 public:
  static Result<TrainModel::Memory> sizes(const TrainConfig& config, const TrainLayout& layout,
                                          const TrainModel::Options& options, const TrainPlans& plans, int threads);
  static Result<TrainMemory> create(const TrainConfig& config, const TrainLayout& layout,
                                    const TrainModel::Options& options, const TrainPlans& plans, int threads);

  // Activations of layer i; with recompute all layers share one.
  const LayerActivations& layer(int64_t i) const { return layers[layers.size() == 1 ? 0 : static_cast<size_t>(i)]; }
  int64_t bytes() const;  // as they were allocated

  Buffer weights, gradients, pass_gradients, first_moments, second_moments;
  std::vector<float*> x;  // the input of each layer, and behind them the output of the last
  std::vector<LayerActivations> layers;
  float* logits = nullptr;
  // One for all layers.
  LayerActivations wide;        // with Options::bf16 every layer's qkv, y and up
  float* normed = nullptr;      // [tokens][width]
  float* rotated = nullptr;     // qwen3: [tokens][qkv]; its queries and keys, backwards the gradient of all of a row
  float* act = nullptr;         // [tokens][act], backwards of attention's output too
  float* d_act = nullptr;       // [tokens][act]
  float* d_x = nullptr;         // [tokens][width], the gradient of the residual stream
  float* d_normed = nullptr;    // [tokens][width]
  float* d_qkv = nullptr;       // [tokens][qkv]
  float* scale = nullptr;       // [tokens], of norms
  float* mean = nullptr;        // [tokens]
  float* head_scale = nullptr;  // qwen3: [tokens][heads + kv_heads]
  float *cos = nullptr, *sin = nullptr, *minus_sin = nullptr;      // [length][head_dim / 2]
  double* losses = nullptr;                                        // [tokens]
  std::byte *head_panels = nullptr, *head_input_panels = nullptr;  // of the head, for all chunks
  std::byte* attention = nullptr;                                  // scratch of all workers
  ProductMemory products;

 private:
  Buffer activations_, logits_, workspace_;
};

}  // namespace lathe::models
