#include "models/train_step.h"

#include <algorithm>
#include <cmath>

#include "ops/cross_entropy.h"
#include "ops/embedding.h"
#include "ops/gradients.h"
#include "ops/linear.h"
#include "ops/rms_norm.h"
#include "ops/share.h"

namespace lathe::models {

using Family = TrainConfig::Family;
using activation::Function;

LayerPanels LayerPanels::over(const TrainMemory& memory, const TrainLayer& layer) {
  LayerPanels panels;
  const struct {
    const TrainLinear& linear;
    TrainPanels& panels;
  } all[] = {{layer.qkv, panels.qkv}, {layer.out, panels.out}, {layer.up, panels.up}, {layer.down, panels.down}};
  for (const auto& each : all)
    for (size_t i = 0; i < 2; ++i) {
      each.panels.forward[i] = ops::forward_panels(each.linear.in, each.linear.out, memory.panels[i]);
      each.panels.input[i] = ops::input_panels(each.linear.in, each.linear.out, memory.panels[i]);
    }
  return panels;
}

TrainStep::TrainStep(const TrainConfig& config, const TrainLayout& layout, TrainMemory& memory,
                     const LayerPanels& panels, const ops::TrainKernels& kernels, const TrainPlans& plans,
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
      gradients_(memory.gradients.as<float>()) {}

TrainStep::Linear TrainStep::qkv(int64_t i) const {
  return {layout_.layers[static_cast<size_t>(i)].qkv,
          plans_.qkv,
          panels_.qkv,
          "qkv",
          "backward qkv input",
          "backward qkv weight"};
}
TrainStep::Linear TrainStep::out(int64_t i) const {
  return {layout_.layers[static_cast<size_t>(i)].out,
          plans_.out,
          panels_.out,
          "attention out",
          "backward attention out input",
          "backward attention out weight"};
}
TrainStep::Linear TrainStep::up(int64_t i) const {
  return {layout_.layers[static_cast<size_t>(i)].up,
          plans_.up,
          panels_.up,
          "up",
          "backward up input",
          "backward up weight"};
}
TrainStep::Linear TrainStep::down(int64_t i) const {
  return {layout_.layers[static_cast<size_t>(i)].down,
          plans_.down,
          panels_.down,
          "down",
          "backward down input",
          "backward down weight"};
}

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
  x_.run(name(linear.name), linear.plans.flops(),
         [&](Team::Worker& worker) { ops::linear_forward(worker, linear.plans, o, x, y); });
}

void TrainStep::product_back(const Linear& linear, const float* x, const float* dy, float* dx) {
  ops::LinearOperands o = operands();
  o.panels = &linear.panels.input[static_cast<size_t>(packed_)];
  x_.run(linear.input_name, linear.plans.flops(),
         [&](Team::Worker& worker) { ops::linear_input(worker, linear.plans, o, dy, dx); });
  if (linear.places.bias != kNoTensor)
    x_.run("backward bias", [&](const Team::Worker& worker) {
      ops::linear_bias(worker, *kernels_.optimizer, linear.plans.shape, dy, g(linear.places.bias));
    });
  const ops::LinearOperands other = operands();
  x_.run(linear.weight_name, linear.plans.flops(), [&](Team::Worker& worker) {
    ops::linear_weight(worker, linear.plans, other, x, dy, g(linear.places.weight), input_.accumulate);
  });
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

ops::TokenEmbedding TrainStep::embedding() const {
  ops::TokenEmbedding e;
  e.ids = input_.ids;
  e.tokens = plans_.tokens;
  e.length = input_.length;
  e.width = config_.width;
  e.words = w(layout_.words);
  e.positions = w(layout_.positions);
  return e;
}

// Gradients that are added to, and not written by a product, begin at 0.
void TrainStep::begin() {
  if (input_.until == Until::gradients && !input_.accumulate)
    x_.run("backward zero", [&](const Team::Worker& worker) {
      for (const TrainTensor& tensor : layout_.tensors) {
        const bool words = tensor.offset == layout_.words && !config_.tied;
        if (tensor.decay && !words && tensor.offset != layout_.positions) continue;
        const ops::ColumnShare share(worker, tensor.size);
        std::fill(g(tensor.offset) + share.begin, g(tensor.offset) + share.end, 0.0f);
      }
    });
  x_.run("embed", [&](const Team::Worker& worker) { ops::embed_tokens(worker, embedding(), memory_.x.front()); });
  pack(qkv(0));
  x_.sync();
}

ops::WindowRotation TrainStep::rotation(const TrainLayer& layer) const {
  ops::WindowRotation r;
  r.tokens = plans_.tokens;
  r.length = input_.length;
  r.heads = config_.heads;
  r.kv_heads = config_.kv_heads;
  r.head_dim = config_.head_dim;
  r.query_norm = w(layer.query_norm);
  r.key_norm = w(layer.key_norm);
  r.eps = config_.eps;
  r.pairing = rope::Pairing::halves;
  r.cos = memory_.cos;
  r.sin = memory_.sin;
  r.minus_sin = memory_.minus_sin;
  return r;
}

ops::WindowAttention TrainStep::attention(int64_t i) const {
  const LayerActivations& kept = memory_.layer(i);
  const float* rotated = memory_.rotated != nullptr ? memory_.rotated : kept.qkv;
  ops::WindowAttention a;
  a.windows = input_.windows;
  a.length = input_.length;
  a.heads = config_.heads;
  a.kv_heads = config_.kv_heads;
  a.head_dim = config_.head_dim;
  a.scale = static_cast<float>(1 / std::sqrt(static_cast<double>(config_.head_dim)));
  a.q = rotated;
  a.k = rotated + rows_.queries;
  a.v = kept.qkv + rows_.queries + rows_.keys;
  a.q_row = a.k_row = a.v_row = rows_.qkv;
  a.y = kept.y;
  a.lse = kept.lse;
  a.scratch = memory_.attention;
  return a;
}

// qkv = W norm(x); middle = x + W attention(rotated qkv); up = W norm(middle)
void TrainStep::forward_to_up(int64_t i) {
  const TrainLayer& layer = layout_.layers[static_cast<size_t>(i)];
  const LayerActivations& to = memory_.layer(i);
  const float* const x = memory_.x[static_cast<size_t>(i)];
  norm(layer.attention_norm, x);
  x_.sync();
  product(qkv(i), memory_.normed, nullptr, to.qkv);
  pack(out(i));
  x_.sync();
  if (!gpt2()) {
    const ops::TokenRows from{to.qkv, rows_.qkv};
    const ops::TokenRows rotated{memory_.rotated != nullptr ? memory_.rotated : to.qkv, rows_.qkv};
    x_.run(name("rotate"), [&](const Team::Worker& worker) {
      ops::rotate_windows(worker, *kernels_.norm, *kernels_.rope, rotation(layer), from, rotated);
    });
    x_.sync();
  }
  const int counter = x_.claim_counter();
  x_.run(name("attention"), ops::window_attention_flops(attention(i)),
         [&](Team::Worker& worker) { ops::attend_windows(worker, *kernels_.attention, attention(i), counter); });
  x_.sync();
  product(out(i), to.y, x, to.middle);
  pack(up(i));
  x_.sync();
  norm(layer.ffn_norm, to.middle);
  x_.sync();
  product(up(i), memory_.normed, nullptr, to.up);
}

// act = silu(gate) * up, or gelu(up)
void TrainStep::activate(int64_t i) {
  const float* const up = memory_.layer(i).up;
  x_.run(name("activation"), [&](const Team::Worker& worker) {
    if (gpt2()) {
      ops::activate(worker, *kernels_.activation, Function::gelu_tanh,
                    {plans_.tokens, rows_.act, up, rows_.up, memory_.act, rows_.act});
    } else {
      ops::gate(worker, *kernels_.activation, Function::silu,
                {plans_.tokens, rows_.act, up, rows_.up, up + rows_.act, rows_.up, memory_.act, rows_.act});
    }
  });
  x_.sync();
}

void TrainStep::forward_layer(int64_t i) {
  forward_to_up(i);
  pack(down(i));
  x_.sync();
  activate(i);
  const auto at = static_cast<size_t>(i);
  product(down(i), memory_.act, memory_.layer(i).middle, memory_.x[at + 1]);
  if (i + 1 < config_.layers) pack(qkv(i + 1));
  x_.sync();
}

// The loss of all tokens, and with gradients d_normed and the head's share of its weights' gradient, chunk by chunk.
void TrainStep::head_loss() {
  const bool back = input_.until == Until::gradients;
  for (int64_t chunk = 0; chunk < plans_.chunks; ++chunk) {
    const ops::LinearPlans& plans = chunk + 1 < plans_.chunks ? plans_.head : plans_.last_head;
    const int64_t first = chunk * plans_.chunk_rows;
    const float* const normed = memory_.normed + first * config_.width;
    ops::LinearOperands head = operands();
    head.w = w(layout_.head);
    x_.run("head", plans.flops(),
           [&](Team::Worker& worker) { ops::linear_forward(worker, plans, head, normed, memory_.logits); });
    x_.sync();
    const loss::Args rows{.rows = plans.shape.rows,
                          .n = config_.vocabulary,
                          .x = memory_.logits,
                          .x_row = config_.vocabulary,
                          .targets = input_.targets + first,
                          .scale = input_.scale,
                          .gradient = back,
                          .loss = memory_.losses + first};
    x_.run("loss", [&](const Team::Worker& worker) { ops::cross_entropy(worker, *kernels_.loss, rows); });
    x_.sync();
    if (!back) continue;
    ops::LinearOperands input = operands();
    input.w = w(layout_.head);
    x_.run("backward head input", plans.flops(), [&](Team::Worker& worker) {
      ops::linear_input(worker, plans, input, memory_.logits, memory_.d_normed + first * config_.width);
    });
    const ops::LinearOperands weight = operands();
    x_.run("backward head weight", plans.flops(), [&](Team::Worker& worker) {
      ops::linear_weight(worker, plans, weight, normed, memory_.logits, g(layout_.head),
                         input_.accumulate || chunk > 0);
    });
    x_.sync();
  }
}

void TrainStep::head_last() {
  ops::MatmulOperands product;
  product.a = memory_.normed + (plans_.tokens - 1) * config_.width;
  product.lda = product.ldw = config_.width;
  product.w = w(layout_.head);
  product.c = input_.last_logits;
  product.ldc = config_.vocabulary;
  std::byte* const workspace = operands().workspace;
  x_.run("head", ops::cost(plans_.one_row.problem()).flops,
         [&](Team::Worker& worker) { plans_.one_row.run(worker, product, workspace); });
}

void TrainStep::pack_for_backward(int64_t i) {
  if (i < 0) return;
  kept(i) ? pack_input(down(i)) : pack(qkv(i));
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
  norm(layout_.layers[static_cast<size_t>(i)].ffn_norm, memory_.layer(i).middle);
  x_.sync();
}

// From act's memory, which holds the gradient of attention's output, to the gradient of what the product gave. With
// norms of heads it ends in `rotated`, whose own queries and keys nobody reads any more.
void TrainStep::backward_attention(int64_t i) {
  const TrainLayer& layer = layout_.layers[static_cast<size_t>(i)];
  const LayerActivations& kept = memory_.layer(i);
  const bool norms = memory_.rotated != nullptr;
  const ops::WindowRotation turn = rotation(layer);
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
  norm(layer.attention_norm, memory_.x[static_cast<size_t>(i)]);
  x_.sync();
  if (gpt2()) return;
  x_.run("backward rotate", [&](const Team::Worker& worker) {
    ops::rotate_windows_back(worker, *kernels_.rope, turn, d);
    if (norms) ops::head_norms_input(worker, *kernels_.norm_back, turn, came, d, rotated, memory_.head_scale);
  });
  x_.sync();
  if (!norms) return;
  x_.run("backward rotate", [&](const Team::Worker& worker) {
    ops::head_norms_weight(worker, *kernels_.norm_back, turn, came, d, memory_.head_scale, g(layer.query_norm),
                           g(layer.key_norm));
  });
}

// d_x is the gradient of the layer's output, and afterwards of its input.
void TrainStep::backward_layer(int64_t i) {
  const TrainLayer& layer = layout_.layers[static_cast<size_t>(i)];
  const LayerActivations& kept_here = memory_.layer(i);
  const float* const x = memory_.x[static_cast<size_t>(i)];
  if (!kept(i)) {
    forward_to_up(i);
    pack_input(down(i));
    x_.sync();
  }
  activate(i);
  product_back(down(i), memory_.act, memory_.d_x, memory_.d_act);
  pack_input(up(i));
  x_.sync();
  backward_activation(i);
  product_back(up(i), memory_.normed, kept_here.up, memory_.d_normed);
  pack_input(out(i));
  x_.sync();
  norm_input(layer.ffn_norm, kept_here.middle, true);
  x_.sync();
  norm_weight(layer.ffn_norm, kept_here.middle);
  product_back(out(i), kept_here.y, memory_.d_x, memory_.act);
  pack_input(qkv(i));
  x_.sync();
  backward_attention(i);
  const float* const d_qkv = memory_.rotated != nullptr ? memory_.rotated : memory_.d_qkv;
  product_back(qkv(i), memory_.normed, d_qkv, memory_.d_normed);
  pack_for_backward(i - 1);
  x_.sync();
  norm_input(layer.attention_norm, x, true);
  x_.sync();
  norm_weight(layer.attention_norm, x);
}

void TrainStep::backward_embedding() {
  x_.run("backward embed", [&](const Team::Worker& worker) {
    ops::embed_tokens_back(worker, *kernels_.optimizer, embedding(), memory_.d_x, g(layout_.words),
                           g(layout_.positions));
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
}

}  // namespace lathe::models
