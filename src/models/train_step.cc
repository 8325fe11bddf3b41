#include "models/train_step.h"

#include "ops/embedding.h"
#include "ops/rms_norm.h"

namespace lathe::models {

StepPanels StepPanels::over(const TrainConfig& config, const TrainMemory& memory, const TrainLayer& layer) {
  StepPanels panels;
  const struct {
    const TrainLinear& linear;
    TrainPanels& panels;
  } all[] = {{layer.qkv, panels.qkv}, {layer.out, panels.out}, {layer.up, panels.up}, {layer.down, panels.down}};
  for (const auto& each : all)
    for (size_t i = 0; i < 2; ++i) {
      each.panels.forward[i] = ops::forward_panels(each.linear.in, each.linear.out, memory.panels[i]);
      each.panels.input[i] = ops::input_panels(each.linear.in, each.linear.out, memory.panels[i]);
    }
  panels.head = ops::forward_panels(config.width, config.vocabulary, memory.head_panels);
  panels.head_input = ops::input_panels(config.width, config.vocabulary, memory.head_input_panels);
  return panels;
}

TrainStep::TrainStep(const TrainConfig& config, const TrainLayout& layout, TrainMemory& memory,
                     const StepPanels& panels, const ops::TrainKernels& kernels, const TrainPlans& plans,
                     const Input& input, ops::TrainExecutor& executor)
    : config_(config),
      layout_(layout),
      memory_(memory),
      panels_(panels),
      kernels_(kernels),
      plans_(plans),
      input_(input),
      x_(executor),
      rows_(config, layout),
      weights_(memory.weights.as<float>()),
      gradients_(input.gradients) {}

void TrainStep::pack(const Linear& linear) {
  packed_ ^= 1;
  x_.run(name("pack"), [&](const Team::Worker& worker) {
    ops::pack_forward(worker, linear.plans.shape, w(linear.places.weight), memory_.panels[packed_]);
  });
}

void TrainStep::pack_input(const Linear& linear) {
  packed_ ^= 1;
  x_.run("backward pack", [&](const Team::Worker& worker) {
    ops::pack_input(worker, linear.plans.shape, w(linear.places.weight), memory_.panels[packed_]);
  });
}

ops::LinearOperands TrainStep::operands() {
  product_ ^= 1;
  ops::LinearOperands operands;
  operands.workspace = memory_.products[product_].data();
  operands.counter = x_.claim_counter();
  return operands;
}

void TrainStep::product(const Linear& linear, const float* x, const float* residual, float* y) {
  ops::LinearOperands o = operands();
  o.panels = &linear.panels.forward[static_cast<size_t>(packed_)];
  o.bias = w(linear.places.bias);
  o.residual = residual;
  x_.run(name(linear.names.forward), linear.plans.flops(),
         [&](Team::Worker& worker) { ops::linear_forward(worker, linear.plans, o, x, y); });
}

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
