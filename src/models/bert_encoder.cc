#include "models/bert_encoder.h"

#include <algorithm>
#include <cmath>

namespace lathe::models {
namespace {

constexpr int64_t kFloat = sizeof(float);

}  // namespace

BertEncoder::BertEncoder(const BertConfig& config, BertWeights weights, matmul::Type stored, Team& team)
    : Encoder({.width = config.width,
               .vocabulary = config.vocabulary,
               .max_tokens = config.max_tokens(),
               .head_dim = config.head_dim()},
              team),
      config_(config),
      weights_(std::move(weights)),
      stored_(stored) {}

std::vector<Encoder::Need> BertEncoder::needs(int64_t tokens) {
  const int64_t wide = std::max(3 * config_.width, config_.intermediate);
  return {
      {hidden_, tokens * config_.width * kFloat},
      {context_, tokens * config_.width * kFloat},
      {wide_, tokens * wide * kFloat},
      {worker_scratch_, workers() * ops::attention_scratch_bytes(config_.head_dim())},
      {position_rows_, workers() * config_.width * kFloat},
  };
}

Result<ops::MatmulPlan> BertEncoder::plan(const LinearWeights& linear, int64_t tokens, bool residual,
                                          matmul::Activation activation) const {
  matmul::Problem problem;
  problem.m = tokens;
  problem.n = linear.weights.n();
  problem.k = linear.weights.k();
  problem.w = stored_;
  problem.bias = true;
  problem.residual = residual;
  problem.act = activation;
  return ops::MatmulPlan::create(problem, nullptr, workers());
}

std::vector<LinearWeights*> BertEncoder::linears() {
  std::vector<LinearWeights*> all;
  for (BertLayer& layer : weights_.layers)
    for (LinearWeights* linear : {&layer.qkv, &layer.out, &layer.up, &layer.down}) all.push_back(linear);
  return all;
}

Result<Encoder::Plans> BertEncoder::make_plans(int64_t tokens) const {
  const BertLayer& layer = weights_.layers.front();
  constexpr auto none = matmul::Activation::none;
  const auto qkv = plan(layer.qkv, tokens, false, none), out = plan(layer.out, tokens, true, none);
  const auto up = plan(layer.up, tokens, false, config_.activation), down = plan(layer.down, tokens, true, none);
  for (const auto* made : {&qkv, &out, &up, &down})
    if (!*made) return made->status();
  return Plans{*qkv, *out, *up, *down};
}

void BertEncoder::multiply(ops::Executor& x, const char* name, const ops::MatmulPlan& plan, const LinearWeights& linear,
                           const float* a, float* c, const float* residual) {
  ops::MatmulOperands operands;
  operands.a = a;
  operands.lda = linear.weights.k();
  operands.weights = &linear.weights;
  operands.c = c;
  operands.ldc = linear.weights.n();
  operands.epilogue.bias = linear.bias.data();
  operands.epilogue.act = plan.problem().act;
  operands.epilogue.residual = residual;
  operands.epilogue.residual_ld = linear.weights.n();
  x.matmul(name, plan, operands, products());
  x.sync();
}

void BertEncoder::normalize(ops::Executor& x, const NormWeights& norm, int64_t tokens) {
  norm::Args args{};
  args.rows = tokens;
  args.n = args.x_row = args.y_row = config_.width;
  args.x = args.y = hidden_.as<float>();
  args.weight = norm.weight.data();
  args.bias = norm.bias.data();
  args.eps = config_.eps;
  x.layer_norm(args);
  x.sync();
}

// h = norm(words + types + positions)
void BertEncoder::embed(ops::Executor& x, const Pass& pass) {
  ops::EmbedOperands operands;
  operands.words = &weights_.words;
  operands.positions = &weights_.positions;
  operands.type = weights_.type.data();
  operands.first_position = config_.first_position;
  operands.norm.weight = weights_.norm.weight.data();
  operands.norm.bias = weights_.norm.bias.data();
  operands.norm.eps = config_.eps;
  operands.y = hidden_.as<float>();
  operands.position_rows = position_rows_.as<float>();
  x.embed(pass.batch, operands);
  x.sync();
}

// h = norm(h + out(attention(qkv(h)))); h = norm(h + down(act(up(h))))
void BertEncoder::layer(ops::Executor& x, const BertLayer& layer, const Pass& pass) {
  const Plans& plans = pass.plans;
  float* const hidden = hidden_.as<float>();
  float* const context = context_.as<float>();
  float* const wide = wide_.as<float>();

  multiply(x, "qkv", plans.qkv, layer.qkv, hidden, wide, nullptr);
  ops::AttentionOperands heads;
  heads.heads = config_.heads;
  heads.head_dim = config_.head_dim();
  heads.scale = 1.0f / std::sqrt(static_cast<float>(heads.head_dim));
  heads.q = wide;
  heads.k = wide + config_.width;
  heads.v = wide + 2 * config_.width;
  heads.qkv_row = 3 * config_.width;
  heads.y = context;
  heads.y_row = config_.width;
  heads.scratch = worker_scratch_.data();
  x.attention(pass.batch, heads);
  x.sync();
  multiply(x, "attention out", plans.out, layer.out, context, hidden, hidden);
  normalize(x, layer.attention_norm, pass.batch.tokens());
  multiply(x, "up", plans.up, layer.up, hidden, wide, nullptr);
  multiply(x, "down", plans.down, layer.down, wide, hidden, hidden);
  normalize(x, layer.output_norm, pass.batch.tokens());
}

void BertEncoder::step(ops::Executor& x, int64_t i, const Pass& pass) {
  if (i == 0) return embed(x, pass);
  if (i <= config_.layers) return layer(x, weights_.layers[static_cast<size_t>(i - 1)], pass);
  pool(x, hidden_.as<float>(), pass);
}

}  // namespace lathe::models
