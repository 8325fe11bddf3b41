#include "models/train_step.h"

#include "ops/embedding.h"
#include "ops/rms_norm.h"

namespace lathe::models {

TrainStep::TrainStep(const TrainConfig& config, const TrainLayout& layout, TrainMemory& memory,
                     const ops::TrainKernels& kernels, const TrainPlans& plans, const Input& input,
                     ops::TrainExecutor& executor)
    : config_(config),
      layout_(layout),
      memory_(memory),
      kernels_(kernels),
      plans_(plans),
      input_(input),
      x_(executor),
      rows_(config, layout),
      weights_(memory.weights.as<float>()),
      gradients_(input.gradients),
      products_(memory.products, weights_, gradients_, *kernels.optimizer, executor) {}

void TrainStep::norm(const TrainNorm& places, const float* x) {
  norm::Args args{};
  args.rows = plans_.tokens;
  args.n = args.x_row = args.y_row = config_.width;
  args.x = x;
  args.weight = w(places.weight);
  args.bias = w(places.bias);
  args.eps = config_.eps;
  args.y = memory_.normed;
  x_.run(name("norm"), [&](const Team::Worker& worker) {
    gpt2() ? ops::layer_norm(worker, *kernels_.norm, args) : ops::rms_norm(worker, *kernels_.norm, args);
  });
}

void TrainStep::run() {
  begin();
  for (int64_t i = 0; i < config_.layers; ++i) forward_layer(i);
  norm(layout_.norm, memory_.x.back());
  x_.sync();
  if (input_.until == Until::logits) {
    head_last();
  } else {
    head_loss();
  }
  if (input_.until == Until::gradients) {
    back_ = true;
    norm_input(layout_.norm, memory_.x.back(), false);
    pack_for_backward(config_.layers - 1);
    x_.sync();
    norm_weight(layout_.norm, memory_.x.back());
    for (int64_t i = config_.layers - 1; i >= 0; --i) backward_layer(i);
    backward_embedding();
  }
  x_.sync();
  if (input_.until == Until::gradients) final_from(0);
}

}  // namespace lathe::models
