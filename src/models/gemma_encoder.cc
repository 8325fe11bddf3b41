#include "models/gemma_encoder.h"

#include <algorithm>
#include <cmath>

namespace lathe::models {
namespace {

constexpr int64_t kFloat = sizeof(float);

}  // namespace

GemmaEncoder::GemmaEncoder(const GemmaConfig& config, GemmaWeights weights, matmul::Type stored, Team& team)
    : Encoder({.width = config.width,
               .vocabulary = config.vocabulary,
               .max_tokens = config.positions,
               .head_dim = config.head_dim},
              team),
      config_(config),
      weights_(std::move(weights)),
      stored_(stored),
      global_(config.head_dim, config.global.base, config.global.position_scale),
      local_(config.head_dim, config.local.base, config.local.position_scale) {}

std::vector<Encoder::Need> GemmaEncoder::needs(int64_t tokens) {
  return {
      {hidden_, tokens * config_.width * kFloat},
      {normed_, tokens * config_.width * kFloat},
      {context_, tokens * queries() * kFloat},
      {wide_, tokens * std::max(qkv_row(), config_.intermediate) * kFloat},
      {worker_scratch_, workers() * ops::attention_scratch_bytes(config_.head_dim)},
  };
}

Status GemmaEncoder::prepare(const ops::TextBatch& batch) {
  int64_t longest = 0;
  for (size_t i = 0; i + 1 < batch.offsets.size(); ++i)
    longest = std::max(longest, batch.offsets[i + 1] - batch.offsets[i]);
  for (ops::RopeTable* table : {&global_, &local_}) table->reserve(longest, config_.positions);
  return {};
}

std::vector<LinearWeights*> GemmaEncoder::linears() {
  std::vector<LinearWeights*> all;
  for (GemmaLayer& layer : weights_.layers)
    for (LinearWeights* linear : {&layer.qkv, &layer.out, &layer.gate_up, &layer.down}) all.push_back(linear);
  return all;
}

Result<Encoder::Plans> GemmaEncoder::make_plans(int64_t tokens) const {
  const auto plan = [&](const LinearWeights& linear) {
    matmul::Problem problem;
    problem.m = tokens;
    problem.n = linear.weights.n();
    problem.k = linear.weights.k();
    problem.w = stored_;
    problem.gated = linear.weights.gated();
    if (problem.gated) problem.act = matmul::Activation::gelu_tanh;
    return ops::MatmulPlan::create(problem, nullptr, workers());
  };
  const GemmaLayer& layer = weights_.layers.front();
  const auto qkv = plan(layer.qkv), out = plan(layer.out), up = plan(layer.gate_up), down = plan(layer.down);
  for (const auto* made : {&qkv, &out, &up, &down})
    if (!*made) return made->status();
  return Plans{*qkv, *out, *up, *down};
}

void GemmaEncoder::multiply(ops::Executor& x, const char* name, const ops::MatmulPlan& plan,
                            const LinearWeights& linear, const float* a, float* c) {
  ops::MatmulOperands operands;
  operands.a = a;
  operands.lda = linear.weights.k();
  operands.weights = &linear.weights;
  operands.c = c;
  operands.ldc = linear.weights.n();
  operands.epilogue.act = plan.problem().act;
  operands.epilogue.gated = plan.problem().gated;
  x.matmul(name, plan, operands, products());
  x.sync();
}

// h += norm(what the product gave); what the next product reads = norm(h)
void GemmaEncoder::normalize(ops::Executor& x, const std::vector<float>& post, const std::vector<float>& next,
                             int64_t tokens) {
  ops::ResidualNorms norms;
  norms.rows = tokens;
  norms.n = config_.width;
  norms.x = normed_.as<float>();
  norms.y = normed_.as<float>();
  norms.post = post.data();
  norms.hidden = hidden_.as<float>();
  norms.next = next.data();
  norms.weight_offset = weights_.norm_offset;
  norms.eps = config_.eps;
  x.residual_norms(norms);
  x.sync();
}

// h = words * sqrt(width)
void GemmaEncoder::embed(ops::Executor& x, const Pass& pass) {
  const auto scale = static_cast<float>(std::sqrt(static_cast<double>(config_.width)));
  x.embed_scaled(pass.batch, weights_.words, scale, hidden_.as<float>());
  x.sync();
  norm::Args args{};
  args.rows = pass.batch.tokens();
  args.n = args.x_row = args.y_row = config_.width;
  args.x = hidden_.as<float>();
  args.weight = weights_.layers.front().attention_norm.data();
  args.weight_offset = weights_.norm_offset;
  args.eps = config_.eps;
  args.y = normed_.as<float>();
  x.rms_norm(args);
  x.sync();
}

void GemmaEncoder::attend(ops::Executor& x, int64_t i, const Pass& pass) {
  const GemmaLayer& layer = weights_.layers[static_cast<size_t>(i)];
  const bool sliding = config_.sliding[static_cast<size_t>(i)];
  float* const qkv = wide_.as<float>();

  ops::RotateOperands rotate;
  rotate.heads = config_.heads;
  rotate.kv_heads = config_.kv_heads;
  rotate.head_dim = config_.head_dim;
  rotate.query_norm = layer.query_norm.data();
  rotate.key_norm = layer.key_norm.data();
  rotate.weight_offset = weights_.norm_offset;
  rotate.eps = config_.eps;
  rotate.table = sliding ? &local_ : &global_;
  rotate.x = qkv;
  rotate.row = qkv_row();
  x.rotate(pass.batch, rotate);
  x.sync();

  ops::AttentionOperands heads;
  heads.heads = config_.heads;
  heads.kv_heads = config_.kv_heads;
  heads.head_dim = config_.head_dim;
  heads.scale = config_.scale;
  heads.window = sliding ? config_.window : -1;
  heads.q = qkv;
  heads.k = qkv + queries();
  heads.v = heads.k + config_.kv_heads * config_.head_dim;
  heads.qkv_row = qkv_row();
  heads.y = context_.as<float>();
  heads.y_row = queries();
  heads.scratch = worker_scratch_.data();
  x.attention(pass.batch, heads);
  x.sync();
}

// h += norm(out(attention(qkv(norm(h))))); h += norm(down(gelu(gate(norm(h))) * up(norm(h))))
void GemmaEncoder::layer(ops::Executor& x, int64_t i, const Pass& pass) {
  const GemmaLayer& layer = weights_.layers[static_cast<size_t>(i)];
  const bool last = i + 1 == config_.layers;
  const std::vector<float>& next = last ? weights_.norm : weights_.layers[static_cast<size_t>(i + 1)].attention_norm;
  const int64_t tokens = pass.batch.tokens();
  float* const normed = normed_.as<float>();
  float* const wide = wide_.as<float>();
  float* const context = context_.as<float>();

  multiply(x, "qkv", pass.plans.qkv, layer.qkv, normed, wide);
  attend(x, i, pass);
  multiply(x, "attention out", pass.plans.out, layer.out, context, normed);
  normalize(x, layer.attention_post_norm, layer.ffn_norm, tokens);
  multiply(x, "gate up", pass.plans.up, layer.gate_up, normed, wide);
  multiply(x, "down", pass.plans.down, layer.down, wide, normed);
  normalize(x, layer.ffn_post_norm, next, tokens);
}

void GemmaEncoder::step(ops::Executor& x, int64_t i, const Pass& pass) {
  if (i == 0) return embed(x, pass);
  if (i <= config_.layers) return layer(x, i - 1, pass);
  pool(x, normed_.as<float>(), pass);
}

}  // namespace lathe::models
