// An encoder's training step, forwards: from tokens to the scores of the pairs.
#include <algorithm>
#include <cmath>

#include "models/train_encoder_step.h"
#include "ops/cross_entropy.h"
#include "ops/embedding.h"
#include "ops/gradients.h"
#include "ops/pool.h"
#include "ops/rms_norm.h"
#include "ops/share.h"

namespace lathe::models {

ops::TokenEmbedding EncoderStep::embedding() const {
  ops::TokenEmbedding e;
  e.ids = input_.batch.texts.ids.data();
  e.tokens = tokens_;
  e.places = memory_.places;
  e.width = config_.width;
  e.words = w(layout_.words);
  e.type = w(layout_.types);
  e.positions = w(layout_.positions);
  return e;
}

ops::WindowAttention EncoderStep::attention(int64_t i) const {
  const EncoderActivations& layer = kept(i);
  ops::WindowAttention a;
  a.windows = input_.batch.texts.texts();
  a.length = input_.longest;
  a.offsets = input_.batch.texts.offsets.data();
  a.causal = false;
  a.heads = a.kv_heads = config_.heads;
  a.head_dim = config_.head_dim();
  a.scale = 1.0f / std::sqrt(static_cast<float>(a.head_dim));
  a.q = layer.qkv;
  a.k = layer.qkv + config_.width;
  a.v = layer.qkv + 2 * config_.width;
  a.q_row = a.k_row = a.v_row = 3 * config_.width;
  a.y = layer.y;
  a.lse = layer.lse;
  a.scratch = memory_.attention;
  return a;
}

ops::UnitVectors EncoderStep::vectors() const {
  return {input_.batch.texts.texts(), config_.width, memory_.pooled, memory_.unit, memory_.inverse};
}

void EncoderStep::begin() {
  if (input_.gradients && !input_.accumulate)
    x_.run("backward zero", [&](const Team::Worker& worker) {
      const ops::ColumnShare share(worker, layout_.size);
      std::fill(g(share.begin), g(share.end), 0.0f);
    });
  x_.run("embed", [&](const Team::Worker& worker) { ops::embed_tokens(worker, embedding(), memory_.embedded); });
  pack(qkv(0));
  x_.sync();
  norm(layout_.norm, memory_.embedded, memory_.x);
  x_.sync();
}

void EncoderStep::norm(const TrainNorm& places, const float* x, float* y) {
  norm::Args args{};
  args.rows = tokens_;
  args.n = args.x_row = args.y_row = config_.width;
  args.x = x;
  args.weight = w(places.weight);
  args.bias = w(places.bias);
  args.eps = config_.eps;
  args.y = y;
  x_.run(name("norm"), [&](const Team::Worker& worker) { ops::layer_norm(worker, *kernels_.norm, args); });
}

void EncoderStep::activate(int64_t i) {
  const int64_t n = config_.intermediate;
  x_.run(name("activation"), [&](const Team::Worker& worker) {
    ops::activate(worker, *kernels_.activation, function_, {tokens_, n, kept(i).up, n, memory_.act, n});
  });
}

// middle = x + attention; inner = norm(middle); sum = inner + W activation(W inner); x = norm(sum)
void EncoderStep::forward_layer(int64_t i) {
  const EncoderActivations& to = kept(i);
  product(qkv(i), memory_.x, nullptr, to.qkv);
  pack(out(i));
  x_.sync();
  const int counter = x_.claim_counter();
  x_.run("attention", ops::window_attention_flops(attention(i)),
         [&](Team::Worker& worker) { ops::attend_windows(worker, *kernels_.attention, attention(i), counter); });
  x_.sync();
  product(out(i), to.y, memory_.x, to.middle);
  pack(up(i));
  x_.sync();
  norm(layer(i).attention_norm, to.middle, memory_.inner);
  x_.sync();
  product(up(i), memory_.inner, nullptr, to.up);
  pack(down(i));
  x_.sync();
  activate(i);
  x_.sync();
  product(down(i), memory_.act, memory_.inner, to.sum);
  if (i + 1 < config_.layers) pack(qkv(i + 1));
  x_.sync();
  norm(layer(i).ffn_norm, to.sum, memory_.x);
  x_.sync();
}

// A worker's texts are the same for both.
void EncoderStep::texts() {
  static constexpr Pooling kMean[] = {Pooling::mean};
  ops::PoolOperands mean;
  mean.x = memory_.x;
  mean.width = config_.width;
  mean.modes = kMean;
  mean.normalize = false;
  mean.y = memory_.pooled;
  x_.run("pool", [&](const Team::Worker& worker) {
    ops::pool(worker, input_.batch.texts, mean);
    ops::unit_vectors(worker, vectors());
  });
  x_.sync();
}

void EncoderStep::scores() {
  const ops::LinearPlans& plans = plans_.scores.scores;
  const float* const positives = memory_.unit + input_.batch.pairs * config_.width;
  x_.run("pack", [&](const Team::Worker& worker) {
    ops::pack_forward(worker, plans.shape, positives, memory_.score_panels);
    if (input_.gradients) ops::pack_input(worker, plans.shape, positives, memory_.score_input_panels);
  });
  x_.sync();
  ops::LinearOperands o = products_.operands();
  o.panels = memory_.score_panels;
  x_.run("scores", plans.flops(),
         [&](Team::Worker& worker) { ops::linear_forward(worker, plans, o, memory_.unit, memory_.scores); });
  x_.sync();
  const float inverse = 1.0f / input_.batch.temperature;
  const ops::ContrastScores contrast = {.pairs = input_.batch.pairs,
                                        .candidates = candidates(),
                                        .identity = input_.batch.identity.data(),
                                        .scale = inverse,
                                        .scores = memory_.scores,
                                        .rank = memory_.rank};
  const loss::Args rows{.rows = input_.batch.pairs,
                        .n = candidates(),
                        .x = memory_.scores,
                        .x_row = candidates(),
                        .targets = memory_.targets,
                        .scale = input_.scale * inverse / static_cast<float>(input_.batch.pairs),
                        .gradient = input_.gradients,
                        .loss = memory_.losses};
  x_.run("loss", [&](const Team::Worker& worker) {  // a worker's anchors are the same for both
    ops::contrast_scores(worker, contrast);
    ops::cross_entropy(worker, *kernels_.loss, rows);
  });
  x_.sync();
}

}  // namespace lathe::models
