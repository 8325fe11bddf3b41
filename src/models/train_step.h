// The program of a training step: forwards and backwards through the layers, as every worker executes it. Straight-line
// calls between syncs; what stands between two of them does not depend on each other. train_forward.cc, train_head.cc
// and train_backward.cc are its parts.
#pragma once

#include <atomic>
#include <cstdint>

#include "models/layer_products.h"
#include "models/train_memory.h"
#include "ops/token_embedding.h"
#include "ops/train_executor.h"
#include "ops/window_attention.h"
#include "ops/window_rotation.h"

namespace lathe::models {

class TrainStep {
 public:
  enum class Until : uint8_t { logits, loss, gradients };
  struct Input {
    const int32_t* ids = nullptr;      // [windows * length]
    const int32_t* targets = nullptr;  // the same
    int64_t windows = 0, length = 0;
    Until until = Until::loss;
    float scale = 1.0f;                          // of the gradient of a token's loss
    float* gradients = nullptr;                  // flat; written, whatever stood there
    std::atomic<int64_t>* final_from = nullptr;  // of the gradients, as TrainModel::Pass has it
    float* last_logits = nullptr;                // of the last token
  };

  TrainStep(const TrainConfig& config, const TrainLayout& layout, TrainMemory& memory, const ops::TrainKernels& kernels,
            const TrainPlans& plans, const Input& input, ops::TrainExecutor& executor);
  void run();

 private:
  using Names = LayerProducts::Names;
  using Linear = LayerProducts::Product;
  static constexpr Names kQkv = {"qkv", "backward qkv input", "backward qkv weight"};
  static constexpr Names kOut = {"attention out", "backward attention out input", "backward attention out weight"};
  static constexpr Names kUp = {"up", "backward up input", "backward up weight"};
  static constexpr Names kDown = {"down", "backward down input", "backward down weight"};
  const TrainLayer& layer(int64_t i) const { return layout_.layers[static_cast<size_t>(i)]; }
  Linear qkv(int64_t i) const { return {layer(i).qkv, plans_.qkv, kQkv}; }
  Linear out(int64_t i) const { return {layer(i).out, plans_.out, kOut}; }
  Linear up(int64_t i) const { return {layer(i).up, plans_.up, kUp}; }
  Linear down(int64_t i) const { return {layer(i).down, plans_.down, kDown}; }

  void begin();
  void forward_layer(int64_t i);
  void forward_to_up(int64_t i);
  // Rounds what a layer keeps as bf16, where it does: rows of n numbers. A worker's rows are those of the row
  // operations.
  void keep(float* x, int64_t n, bf16* copy);
  void restore(int64_t i);
  void activate(int64_t i);
  void norm(const TrainNorm& norm, const float* x);
  void head_loss();
  void head_last();
  void backward_layer(int64_t i);
  void backward_activation(int64_t i);
  void backward_attention(int64_t i);
  void norm_input(const TrainNorm& norm, const float* x, bool add);
  void norm_weight(const TrainNorm& norm, const float* x);
  void backward_embedding();
  // Behind a sync: all workers have written the gradients from `offset` on for the last time.
  void final_from(int64_t offset) const {
    if (input_.final_from != nullptr && x_.first()) input_.final_from->store(offset, std::memory_order_release);
  }

  void pack(const Linear& linear) { products_.pack(linear, name("pack")); }
  void pack_for_backward(int64_t i);
  void product(const Linear& linear, const float* x, const float* residual, float* y) {
    products_.forward(linear, name(linear.names.forward), x, residual, y);
  }
  void product_back(const Linear& linear, const float* x, const float* dy, float* dx) {
    products_.back(linear, x, dy, dx, false);
  }
  // What is computed again on the way back is time of that.
  const char* name(const char* forward) const { return back_ ? "backward again" : forward; }

  bool gpt2() const { return config_.family == TrainConfig::Family::gpt2; }
  bool kept(int64_t i) const { return memory_.layers.size() > 1 || i + 1 == config_.layers; }
  const float* w(int64_t offset) const { return offset == kNoTensor ? nullptr : weights_ + offset; }
  float* g(int64_t offset) const { return offset == kNoTensor ? nullptr : gradients_ + offset; }
  ops::WindowRotation rotation(const TrainLayer& layer) const;
  ops::WindowAttention attention(int64_t i) const;
  ops::TokenEmbedding embedding() const;

  const TrainConfig& config_;
  const TrainLayout& layout_;
  TrainMemory& memory_;
  const ops::TrainKernels& kernels_;
  const TrainPlans& plans_;
  const Input& input_;
  ops::TrainExecutor& x_;
  const TrainRows rows_;
  const float* const weights_;
  float* const gradients_;
  LayerProducts products_;
  bool back_ = false;
};

}  // namespace lathe::models
