// A training step, forwards: from tokens to the residual stream behind the last layer.
#include <algorithm>
#include <cmath>

#include "models/train_step.h"
#include "ops/gradients.h"
#include "ops/rms_norm.h"
#include "ops/rounded.h"
#include "ops/share.h"

namespace lathe::models {

using activation::Function;

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
  if (input_.until == Until::gradients)
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
  const TrainLayer& places = layer(i);
  const LayerActivations& to = memory_.layer(i);
  const float* const x = memory_.x[static_cast<size_t>(i)];
  norm(places.attention_norm, x);
  x_.sync();
  product(qkv(i), memory_.normed, nullptr, to.qkv);
  pack(out(i));
  x_.sync();
  if (memory_.rotated != nullptr || gpt2()) keep(to.qkv, rows_.qkv, to.rounded_qkv);
  if (!gpt2()) {
    const ops::TokenRows from{to.qkv, rows_.qkv};
    const ops::TokenRows rotated{memory_.rotated != nullptr ? memory_.rotated : to.qkv, rows_.qkv};
    x_.run(name("rotate"), [&](const Team::Worker& worker) {
      ops::rotate_windows(worker, *kernels_.norm, *kernels_.rope, rotation(places), from, rotated);
    });
    if (memory_.rotated == nullptr) keep(to.qkv, rows_.qkv, to.rounded_qkv);
  }
  if (!gpt2() || to.rounded_qkv != nullptr) x_.sync();
  const int counter = x_.claim_counter();
  x_.run(name("attention"), ops::window_attention_flops(attention(i)),
         [&](Team::Worker& worker) { ops::attend_windows(worker, *kernels_.attention, attention(i), counter); });
  x_.sync();
  keep(to.y, rows_.queries, to.rounded_y);
  if (to.rounded_y != nullptr) x_.sync();
  product(out(i), to.y, x, to.middle);
  pack(up(i));
  x_.sync();
  norm(places.ffn_norm, to.middle);
  x_.sync();
  product(up(i), memory_.normed, nullptr, to.up);
}

void TrainStep::keep(float* x, int64_t n, bf16* copy) {
  if (copy == nullptr) return;
  x_.run(name("keep"), [&](const Team::Worker& worker) { ops::keep_rounded(worker, plans_.tokens, n, x, copy); });
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
  keep(memory_.layer(i).up, rows_.up, memory_.layer(i).rounded_up);
  activate(i);
  const auto at = static_cast<size_t>(i);
  product(down(i), memory_.act, memory_.layer(i).middle, memory_.x[at + 1]);
  if (i + 1 < config_.layers) pack(qkv(i + 1));
  x_.sync();
}

}  // namespace lathe::models
