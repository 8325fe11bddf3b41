// An encoder's training step, backwards: from the scores' gradient to the embedding's.
#include "models/train_encoder_step.h"
#include "ops/gradients.h"

namespace lathe::models {

void EncoderStep::norm_input(const TrainNorm& places, const float* x, const float* dy) {
  norm::BackwardArgs args{};
  args.rows = tokens_;
  args.n = args.x_row = args.dy_row = args.dx_row = config_.width;
  args.x = x;
  args.dy = dy;
  args.weight = w(places.weight);
  args.eps = config_.eps;
  args.dx = memory_.d_sum;
  args.scale = memory_.scale;
  args.mean = memory_.mean;
  x_.run("backward norm",
         [&](const Team::Worker& worker) { ops::norm_input(worker, *kernels_.norm_back, args, true); });
}

void EncoderStep::norm_weight(const TrainNorm& places, const float* x, const float* dy) {
  norm::WeightGradientArgs args{};
  args.rows = tokens_;
  args.end = args.x_row = args.dy_row = config_.width;
  args.x = x;
  args.dy = dy;
  args.scale = memory_.scale;
  args.mean = memory_.mean;
  args.dweight = g(places.weight);
  args.dbias = g(places.bias);
  x_.run("backward norm", [&](const Team::Worker& worker) { ops::norm_weight(worker, *kernels_.norm_back, args); });
}

void EncoderStep::add_sum(float* to) {
  x_.run("backward norm",
         [&](const Team::Worker& worker) { ops::add_rows(worker, tokens_, config_.width, memory_.d_sum, to); });
}

// Both sides of the scores have a gradient: dS times the candidates, and dS transposed times the anchors.
void EncoderStep::backward_scores() {
  const ops::LinearPlans& plans = plans_.scores.scores;
  float* const candidates = memory_.d_unit + input_.batch.pairs * config_.width;
  ops::LinearOperands input = products_.operands();
  input.panels = memory_.score_input_panels;
  x_.run("backward scores", plans.flops(),
         [&](Team::Worker& worker) { ops::linear_input(worker, plans, input, memory_.scores, memory_.d_unit); });
  const ops::LinearOperands other = products_.operands();
  x_.run("backward scores", plans.flops(), [&](Team::Worker& worker) {
    ops::linear_weight(worker, plans, other, memory_.unit, memory_.scores, candidates, false);
  });
  x_.sync();
  x_.run("backward pool", [&](const Team::Worker& worker) {  // a worker's texts are the same for both
    ops::unit_vectors_back(worker, vectors(), memory_.d_unit, memory_.d_unit);
    ops::mean_back(worker, input_.batch.texts.offsets.data(), vectors(), memory_.d_unit, memory_.d_x);
  });
  products_.pack_input(down(config_.layers - 1));
  x_.sync();
}

void EncoderStep::input_of(int64_t i) {
  if (i == 0) {
    norm(layout_.norm, memory_.embedded, memory_.x);
  } else {
    norm(layer(i - 1).ffn_norm, kept(i - 1).sum, memory_.x);
  }
}

void EncoderStep::backward_attention(int64_t i) {
  const int64_t width = config_.width;
  ops::WindowAttentionGradient gradient;
  gradient.dy = memory_.d_act;
  gradient.dq = memory_.d_qkv;
  gradient.dk = memory_.d_qkv + width;
  gradient.dv = memory_.d_qkv + 2 * width;
  gradient.dq_row = gradient.dk_row = gradient.dv_row = 3 * width;
  const int counter = x_.claim_counter();
  x_.run("backward attention", ops::window_attention_back_flops(attention(i)), [&](Team::Worker& worker) {
    ops::attend_windows_back(worker, *kernels_.attention, attention(i), gradient, counter);
  });
}

// d_x is the gradient of the layer's output, and afterwards of its input; down's panels are packed already. Rows are
// divided alike in add_sum and norm_input, so that no sync stands between them.
void EncoderStep::backward_layer(int64_t i) {
  const TrainLayer& places = layer(i);
  const EncoderActivations& of = kept(i);
  const int64_t n = config_.intermediate;
  norm_input(places.ffn_norm, of.sum, memory_.d_x);
  activate(i);
  norm(places.attention_norm, of.middle, memory_.inner);
  x_.sync();
  norm_weight(places.ffn_norm, of.sum, memory_.d_x);
  product_back(down(i), memory_.act, memory_.d_sum, memory_.d_act);
  products_.pack_input(up(i));
  x_.sync();
  x_.run("backward activation", [&](const Team::Worker& worker) {
    ops::activate_backward(worker, *kernels_.activation_back, function_,
                           {tokens_, n, of.up, n, memory_.d_act, n, of.up, n});
  });
  x_.sync();
  product_back(up(i), memory_.inner, of.up, memory_.d_inner);
  products_.pack_input(out(i));
  x_.sync();
  add_sum(memory_.d_inner);
  norm_input(places.attention_norm, of.middle, memory_.d_inner);
  input_of(i);
  x_.sync();
  norm_weight(places.attention_norm, of.middle, memory_.d_inner);
  product_back(out(i), of.y, memory_.d_sum, memory_.d_act);
  products_.pack_input(qkv(i));
  x_.sync();
  backward_attention(i);
  x_.sync();
  product_back(qkv(i), memory_.x, memory_.d_qkv, memory_.d_x);
  if (i > 0) products_.pack_input(down(i - 1));
  x_.sync();
  add_sum(memory_.d_x);
}

void EncoderStep::backward_embedding() {
  norm_input(layout_.norm, memory_.embedded, memory_.d_x);
  x_.sync();
  norm_weight(layout_.norm, memory_.embedded, memory_.d_x);
  x_.run("backward embed", [&](const Team::Worker& worker) {
    ops::embed_tokens_back(worker, *kernels_.optimizer, embedding(), memory_.d_sum, g(layout_.words),
                           g(layout_.positions));
    ops::linear_bias(worker, *kernels_.optimizer, {.rows = tokens_, .out = config_.width}, memory_.d_sum,
                     g(layout_.types));
  });
}

}  // namespace lathe::models
