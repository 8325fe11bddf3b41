// A training step, backwards, layer by layer.
#include "models/train_step.h"
#include "ops/gradients.h"
#include "ops/rounded.h"

namespace lathe::models {

using activation::Function;

// d_x = (add ? d_x : 0) + the norm's gradient of d_normed
void TrainStep::norm_input(const TrainNorm& places, const float* x, bool add) {
  norm::BackwardArgs args{};
  args.rows = plans_.tokens;
  args.n = args.x_row = args.dy_row = args.dx_row = config_.width;
  args.x = x;
  args.dy = memory_.d_normed;
  args.weight = w(places.weight);
  args.eps = config_.eps;
  args.dx = memory_.d_x;
  args.add = add;
  args.scale = memory_.scale;
  args.mean = memory_.mean;
  x_.run("backward norm",
         [&](const Team::Worker& worker) { ops::norm_input(worker, *kernels_.norm_back, args, gpt2()); });
}

void TrainStep::norm_weight(const TrainNorm& places, const float* x) {
  norm::WeightGradientArgs args{};
  args.rows = plans_.tokens;
  args.end = args.x_row = args.dy_row = config_.width;
  args.x = x;
  args.dy = memory_.d_normed;
  args.scale = memory_.scale;
  args.mean = memory_.mean;
  args.dweight = g(places.weight);
  args.dbias = g(places.bias);
  x_.run("backward norm", [&](const Team::Worker& worker) { ops::norm_weight(worker, *kernels_.norm_back, args); });
}

void TrainStep::pack_for_backward(int64_t i) {
  if (i < 0) return;
  kept(i) ? products_.pack_input(down(i)) : pack(qkv(i));
}

// up becomes its own gradient, of d_act; normed is computed again.
void TrainStep::backward_activation(int64_t i) {
  float* const up = memory_.layer(i).up;
  const int64_t row = rows_.up, n = rows_.act;
  x_.run("backward activation", [&](const Team::Worker& worker) {
    if (gpt2()) {
      ops::activate_backward(worker, *kernels_.activation_back, Function::gelu_tanh,
                             {plans_.tokens, n, up, row, memory_.d_act, n, up, row});
    } else {
      ops::gate_backward(worker, *kernels_.activation_back, Function::silu,
                         {plans_.tokens, n, up, row, up + n, row, memory_.d_act, n, up, row, up + n, row});
    }
  });
  norm(layer(i).ffn_norm, memory_.layer(i).middle);
  x_.sync();
}

// From act's memory, which holds the gradient of attention's output, to the gradient of what the product gave. With
// norms of heads it ends in `rotated`, whose own queries and keys nobody reads any more.
void TrainStep::backward_attention(int64_t i) {
  const TrainLayer& places = layer(i);
  const LayerActivations& kept = memory_.layer(i);
  const bool norms = memory_.rotated != nullptr;
  const ops::WindowRotation turn = rotation(places);
  const ops::TokenRows came{kept.qkv, rows_.qkv}, rotated{memory_.rotated, rows_.qkv}, d{memory_.d_qkv, rows_.qkv};
  if (norms) {
    x_.run(name("rotate"), [&](const Team::Worker& worker) {
      ops::rotate_windows(worker, *kernels_.norm, *kernels_.rope, turn, came, rotated);
    });
    x_.sync();
  }
  ops::WindowAttentionGradient gradient;
  gradient.dy = memory_.act;
  gradient.dq = memory_.d_qkv;
  gradient.dk = memory_.d_qkv + rows_.queries;
  gradient.dv = (norms ? memory_.rotated : memory_.d_qkv) + rows_.queries + rows_.keys;
  gradient.dq_row = gradient.dk_row = gradient.dv_row = rows_.qkv;
  const int counter = x_.claim_counter();
  x_.run("backward attention", ops::window_attention_back_flops(attention(i)), [&](Team::Worker& worker) {
    ops::attend_windows_back(worker, *kernels_.attention, attention(i), gradient, counter);
  });
  norm(places.attention_norm, memory_.x[static_cast<size_t>(i)]);
  x_.sync();
  if (gpt2()) return;
  x_.run("backward rotate", [&](const Team::Worker& worker) {
    ops::rotate_windows_back(worker, *kernels_.rope, turn, d);
    if (norms) ops::head_norms_input(worker, *kernels_.norm_back, turn, came, d, rotated, memory_.head_scale);
  });
  x_.sync();
  if (!norms) return;
  x_.run("backward rotate", [&](const Team::Worker& worker) {
    ops::head_norms_weight(worker, *kernels_.norm_back, turn, came, d, memory_.head_scale, g(places.query_norm),
                           g(places.key_norm));
  });
}

// The memory of what is kept as bf16 has another layer's numbers by now.
void TrainStep::restore(int64_t i) {
  const LayerActivations& of = memory_.layer(i);
  if (of.rounded_up == nullptr) return;
  x_.run("backward restore", [&](const Team::Worker& worker) {
    ops::restore_rounded(worker, plans_.tokens, rows_.qkv, of.rounded_qkv, of.qkv);
    ops::restore_rounded(worker, plans_.tokens, rows_.queries, of.rounded_y, of.y);
    ops::restore_rounded(worker, plans_.tokens, rows_.up, of.rounded_up, of.up);
  });
  x_.sync();
}

// d_x is the gradient of the layer's output, and afterwards of its input.
void TrainStep::backward_layer(int64_t i) {
  const TrainLayer& places = layer(i);
  const LayerActivations& kept_here = memory_.layer(i);
  const float* const x = memory_.x[static_cast<size_t>(i)];
  if (!kept(i)) {
    forward_to_up(i);
    products_.pack_input(down(i));
    x_.sync();
    keep(kept_here.up, rows_.up, kept_here.rounded_up);
  } else {
    restore(i);
  }
  activate(i);
  product_back(down(i), memory_.act, memory_.d_x, memory_.d_act);
  products_.pack_input(up(i));
  x_.sync();
  final_from(i + 1 < config_.layers ? layer(i + 1).attention_norm.weight : layout_.norm.weight);
  backward_activation(i);
  product_back(up(i), memory_.normed, kept_here.up, memory_.d_normed);
  products_.pack_input(out(i));
  x_.sync();
  norm_input(places.ffn_norm, kept_here.middle, true);
  x_.sync();
  norm_weight(places.ffn_norm, kept_here.middle);
  product_back(out(i), kept_here.y, memory_.d_x, memory_.act);
  products_.pack_input(qkv(i));
  x_.sync();
  backward_attention(i);
  const float* const d_qkv = memory_.rotated != nullptr ? memory_.rotated : memory_.d_qkv;
  product_back(qkv(i), memory_.normed, d_qkv, memory_.d_normed);
  pack_for_backward(i - 1);
  x_.sync();
  norm_input(places.attention_norm, x, true);
  x_.sync();
  norm_weight(places.attention_norm, x);
}

void TrainStep::backward_embedding() {
  x_.run("backward embed", [&](const Team::Worker& worker) {
    ops::embed_tokens_back(worker, *kernels_.optimizer, embedding(), memory_.d_x, g(layout_.words),
                           g(layout_.positions));
  });
}

}  // namespace lathe::models
