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

EncoderStep::EncoderStep(const BertConfig& config, const EncoderLayout& layout, EncoderMemory& memory,
                         const ops::TrainKernels& kernels, const Plans& plans, const Input& input,
                         ops::TrainExecutor& executor)
    : config_(config),
      layout_(layout),
      memory_(memory),
      kernels_(kernels),
      plans_(plans),
      input_(input),
      x_(executor),
      tokens_(input.batch.texts.tokens()),
      function_(function_of(config.activation)),
      products_(memory.products, memory.weights.as<float>(), memory.gradients.as<float>(), *kernels.optimizer,
                executor) {}

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
