#include "models/train_encoder_step.h"

namespace lathe::models {
namespace {

activation::Function function_of(matmul::Activation activation) {
  switch (activation) {
    case matmul::Activation::relu:
      return activation::Function::relu;
    case matmul::Activation::silu:
      return activation::Function::silu;
    case matmul::Activation::gelu_tanh:
      return activation::Function::gelu_tanh;
    case matmul::Activation::none:  // no configuration has it
    case matmul::Activation::gelu_erf:
      break;
  }
  return activation::Function::gelu_erf;
}

}  // namespace

EncoderPanels EncoderPanels::over(const EncoderMemory& memory, const TrainLayer& layer) {
  EncoderPanels panels;
  const struct {
    const TrainLinear& linear;
    Of& panels;
  } all[] = {{layer.qkv, panels.qkv}, {layer.out, panels.out}, {layer.up, panels.up}, {layer.down, panels.down}};
  for (const auto& each : all)
    for (size_t i = 0; i < 2; ++i) {
      each.panels.forward[i] = ops::forward_panels(each.linear.in, each.linear.out, memory.panels[i]);
      each.panels.input[i] = ops::input_panels(each.linear.in, each.linear.out, memory.panels[i]);
    }
  return panels;
}

EncoderStep::EncoderStep(const BertConfig& config, const EncoderLayout& layout, EncoderMemory& memory,
                         const EncoderPanels& panels, const ops::TrainKernels& kernels, const Plans& plans,
                         const Input& input, ops::TrainExecutor& executor)
    : config_(config),
      layout_(layout),
      memory_(memory),
      panels_(panels),
      kernels_(kernels),
      plans_(plans),
      input_(input),
      x_(executor),
      tokens_(input.batch.texts.tokens()),
      function_(function_of(config.activation)) {}

void EncoderStep::pack(const Linear& linear) {
  packed_ ^= 1;
  x_.run("pack", [&](const Team::Worker& worker) {
    ops::pack_forward(worker, linear.plans.shape, w(linear.places.weight), memory_.panels[packed_]);
  });
}

void EncoderStep::pack_input(const Linear& linear) {
  packed_ ^= 1;
  x_.run("backward pack", [&](const Team::Worker& worker) {
    ops::pack_input(worker, linear.plans.shape, w(linear.places.weight), memory_.panels[packed_]);
  });
}

ops::LinearOperands EncoderStep::operands() {
  product_ ^= 1;
  ops::LinearOperands operands;
  operands.workspace = memory_.products[product_].data();
  operands.counter = x_.claim_counter();
  return operands;
}

void EncoderStep::product(const Linear& linear, const float* x, const float* residual, float* y) {
  ops::LinearOperands o = operands();
  o.panels = &linear.panels.forward[static_cast<size_t>(packed_)];
  o.bias = w(linear.places.bias);
  o.residual = residual;
  x_.run(linear.names.forward, linear.plans.flops(),
         [&](Team::Worker& worker) { ops::linear_forward(worker, linear.plans, o, x, y); });
}

void EncoderStep::run() {
  begin();
  for (int64_t i = 0; i < config_.layers; ++i) forward_layer(i);
  texts();
  scores();
  if (!input_.gradients) return;
  back_ = true;
  backward_scores();
  for (int64_t i = config_.layers - 1; i >= 0; --i) backward_layer(i);
  backward_embedding();
  x_.sync();
}

}  // namespace lathe::models
