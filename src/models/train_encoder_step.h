// The program of an encoder's training step: forwards and backwards through the layers, as every worker executes it.
// Straight-line calls between syncs; what stands between two of them does not depend on each other.
// train_encoder_forward.cc and train_encoder_backward.cc are its parts.
#pragma once

#include <cstdint>

#include "models/layer_products.h"
#include "models/train_encoder_memory.h"
#include "ops/contrastive.h"
#include "ops/token_embedding.h"
#include "ops/train_executor.h"
#include "ops/window_attention.h"

namespace lathe::models {

class EncoderStep {
 public:
  struct Input {
    const ContrastBatch& batch;
    int64_t longest = 0;  // tokens of a text
    bool gradients = false;
    bool accumulate = false;
    float scale = 1.0f;  // of the gradient of the mean loss
  };
  struct Plans {
    const EncoderPlans& layer;
    const ScorePlans& scores;
  };

  EncoderStep(const BertConfig& config, const EncoderLayout& layout, EncoderMemory& memory,
              const ops::TrainKernels& kernels, const Plans& plans, const Input& input, ops::TrainExecutor& executor);
  void run();

 private:
  using Names = LayerProducts::Names;
  using Linear = LayerProducts::Product;
  static constexpr Names kQkv = {"qkv", "backward qkv input", "backward qkv weight"};
  static constexpr Names kOut = {"attention out", "backward attention out input", "backward attention out weight"};
  static constexpr Names kUp = {"up", "backward up input", "backward up weight"};
  static constexpr Names kDown = {"down", "backward down input", "backward down weight"};
  const TrainLayer& layer(int64_t i) const { return layout_.layers[static_cast<size_t>(i)]; }
  const EncoderActivations& kept(int64_t i) const { return memory_.layers[static_cast<size_t>(i)]; }
  Linear qkv(int64_t i) const { return {layer(i).qkv, plans_.layer.qkv, kQkv}; }
  Linear out(int64_t i) const { return {layer(i).out, plans_.layer.out, kOut}; }
  Linear up(int64_t i) const { return {layer(i).up, plans_.layer.up, kUp}; }
  Linear down(int64_t i) const { return {layer(i).down, plans_.layer.down, kDown}; }

  void begin();
  void forward_layer(int64_t i);
  void activate(int64_t i);
  void norm(const TrainNorm& norm, const float* x, float* y);
  void input_of(int64_t i);  // of layer i, again
  void texts();
  void scores();
  void backward_scores();
  void backward_layer(int64_t i);
  void backward_attention(int64_t i);
  void backward_embedding();
  // d_sum from `dy`, the gradient of the norm of `x`; behind a sync, that of its weights.
  void norm_input(const TrainNorm& norm, const float* x, const float* dy);
  void norm_weight(const TrainNorm& norm, const float* x, const float* dy);
  void add_sum(float* to);  // to += d_sum

  void pack(const Linear& linear) { products_.pack(linear, "pack"); }
  void product(const Linear& linear, const float* x, const float* residual, float* y) {
    products_.forward(linear, linear.names.forward, x, residual, y);
  }
  void product_back(const Linear& linear, const float* x, const float* dy, float* dx) {
    products_.back(linear, x, dy, dx, true);
  }

  const float* w(int64_t offset) const { return memory_.weights.as<float>() + offset; }
  float* g(int64_t offset) const { return memory_.gradients.as<float>() + offset; }
  // What is computed again on the way back is time of that.
  const char* name(const char* forward) const { return back_ ? "backward again" : forward; }
  ops::WindowAttention attention(int64_t i) const;
  ops::TokenEmbedding embedding() const;
  ops::UnitVectors vectors() const;
  int64_t candidates() const { return plans_.scores.scores.shape.out; }

  const BertConfig& config_;
  const EncoderLayout& layout_;
  EncoderMemory& memory_;
  const ops::TrainKernels& kernels_;
  const Plans& plans_;
  const Input& input_;
  ops::TrainExecutor& x_;
  const int64_t tokens_;
  const activation::Function function_;
  LayerProducts products_;
  bool back_ = false;
};

}  // namespace lathe::models
