#include "models/bert_encoder.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "ops/attention.h"

namespace lathe::models {
namespace {

constexpr int64_t kFloat = sizeof(float);

Status reallocate(Buffer& buffer, int64_t bytes) {
  buffer = Buffer();  // first, so that the two never stand side by side
  auto made = Buffer::create(bytes);
  if (!made) return made.status();
  buffer = std::move(*made);
  return {};
}

}  // namespace

BertEncoder::BertEncoder(const BertConfig& config, BertWeights weights, matmul::Type stored, Team& team)
    : config_(config),
      weights_(std::move(weights)),
      stored_(stored),
      team_(team),
      attention_(attention::best(cpu_features())),
      norm_(norm::best(cpu_features())) {}

int64_t BertEncoder::Plans::workspace_bytes() const {
  return std::max({qkv.workspace_bytes(), out.workspace_bytes(), up.workspace_bytes(), down.workspace_bytes()});
}

Status BertEncoder::reserve(int64_t tokens) {
  if (tokens <= capacity_) return {};
  capacity_ = 0;
  const int64_t wide = std::max(3 * config_.width, config_.intermediate);
  const struct {
    Buffer& buffer;
    int64_t bytes;
  } needed[] = {
      {hidden_, tokens * config_.width * kFloat},
      {context_, tokens * config_.width * kFloat},
      {wide_, tokens * wide * kFloat},
      {worker_scratch_, team_.size() * ops::attention_scratch_bytes(config_.head_dim())},
      {position_rows_, team_.size() * config_.width * kFloat},
  };
  for (const auto& [buffer, bytes] : needed)
    if (Status status = reallocate(buffer, bytes); !status.ok()) return status;
  capacity_ = tokens;
  return {};
}

Status BertEncoder::shrink(int64_t tokens) {
  if (capacity_ <= tokens) return {};
  capacity_ = 0;
  if (plans_.size() > static_cast<size_t>(tokens) + 1) plans_.resize(static_cast<size_t>(tokens) + 1);
  int64_t workspace = 64;
  for (const auto& plans : plans_)
    if (plans != nullptr) workspace = std::max(workspace, plans->workspace_bytes());
  if (Status status = reallocate(products_, workspace); !status.ok()) return status;
  return reserve(tokens);
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
  return ops::MatmulPlan::create(problem, nullptr, team_.size());
}

Result<const BertEncoder::Plans*> BertEncoder::plans(int64_t tokens) {
  const auto at = static_cast<size_t>(tokens);
  if (plans_.size() <= at) plans_.resize(at + 1);
  if (plans_[at] != nullptr) return plans_[at].get();
  const BertLayer& layer = weights_.layers.front();
  constexpr auto none = matmul::Activation::none;
  const auto qkv = plan(layer.qkv, tokens, false, none), out = plan(layer.out, tokens, true, none);
  const auto up = plan(layer.up, tokens, false, config_.activation), down = plan(layer.down, tokens, true, none);
  for (const auto* made : {&qkv, &out, &up, &down})
    if (!*made) return made->status();
  auto plans = std::make_unique<const Plans>(Plans{*qkv, *out, *up, *down});
  if (plans->workspace_bytes() > static_cast<int64_t>(products_.size()))
    if (Status status = reallocate(products_, plans->workspace_bytes()); !status.ok()) return status;
  plans_[at] = std::move(plans);
  return plans_[at].get();
}

Status BertEncoder::check(const ops::TextBatch& batch, const PoolOptions& pooling) const {
  const int64_t pooled = config_.width * static_cast<int64_t>(pooling.modes.size());
  if (pooling.modes.empty()) return invalid_argument("a pass needs at least one kind of pooling; found none");
  if (pooling.keep < 1 || pooling.keep > pooled)
    return invalid_argument("the vector is to have " + std::to_string(pooling.keep) + " elements; needed: 1 to " +
                            std::to_string(pooled));
  if (batch.offsets.size() < 2 || batch.offsets.front() != 0 ||
      batch.tokens() != static_cast<int64_t>(batch.ids.size()))
    return invalid_argument("the offsets of a batch lead from 0 to its " + std::to_string(batch.ids.size()) +
                            " tokens, one text or more");
  for (size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
    const int64_t length = batch.offsets[i + 1] - batch.offsets[i];
    if (length < 1 || length > config_.max_tokens())
      return invalid_argument("text " + std::to_string(i) + " has " + std::to_string(length) +
                              " tokens; the model takes 1 to " + std::to_string(config_.max_tokens()));
  }
  for (const int32_t id : batch.ids)
    if (id < 0 || id >= config_.vocabulary)
      return invalid_argument("token " + std::to_string(id) + " is none of the model's " +
                              std::to_string(config_.vocabulary));
  return {};
}

void BertEncoder::multiply(Team::Worker& worker, const ops::MatmulPlan& plan, const LinearWeights& linear,
                           const float* a, float* c, const float* residual) {
  ops::MatmulOperands x;
  x.a = a;
  x.lda = linear.weights.k();
  x.weights = &linear.weights;
  x.c = c;
  x.ldc = linear.weights.n();
  x.epilogue.bias = linear.bias.data();
  x.epilogue.act = plan.problem().act;
  x.epilogue.residual = residual;
  x.epilogue.residual_ld = linear.weights.n();
  plan.run(worker, x, products_.data());
  worker.barrier();
}

void BertEncoder::normalize(const Team::Worker& worker, const NormWeights& norm, int64_t tokens) {
  norm::Args args{};
  args.rows = tokens;
  args.n = args.x_row = args.y_row = config_.width;
  args.x = args.y = hidden_.as<float>();
  args.weight = norm.weight.data();
  args.bias = norm.bias.data();
  args.eps = config_.eps;
  ops::layer_norm(worker, norm_, args);
}

// h = norm(h + out(attention(qkv(h)))); h = norm(h + down(act(up(h))))
void BertEncoder::run_layer(Team::Worker& worker, const BertLayer& layer, const Plans& plans,
                            const ops::TextBatch& batch) {
  float* const hidden = hidden_.as<float>();
  float* const context = context_.as<float>();
  float* const wide = wide_.as<float>();

  multiply(worker, plans.qkv, layer.qkv, hidden, wide, nullptr);
  ops::AttentionOperands x;
  x.heads = config_.heads;
  x.head_dim = config_.head_dim();
  x.scale = 1.0f / std::sqrt(static_cast<float>(x.head_dim));
  x.q = wide;
  x.k = wide + config_.width;
  x.v = wide + 2 * config_.width;
  x.qkv_row = 3 * config_.width;
  x.y = context;
  x.y_row = config_.width;
  x.scratch = worker_scratch_.data();
  ops::attend(worker, attention_, batch, x);
  worker.barrier();
  if (worker.id() == 0) worker.reset_counter();  // the next layer's attention is several barriers away

  multiply(worker, plans.out, layer.out, context, hidden, hidden);
  normalize(worker, layer.attention_norm, batch.tokens());
  worker.barrier();
  multiply(worker, plans.up, layer.up, hidden, wide, nullptr);
  multiply(worker, plans.down, layer.down, wide, hidden, hidden);
  normalize(worker, layer.output_norm, batch.tokens());
  worker.barrier();
}

Status BertEncoder::run(const ops::TextBatch& batch, const PoolOptions& pooling, float* out) {
  if (Status status = check(batch, pooling); !status.ok()) return status;
  if (Status status = reserve(batch.tokens()); !status.ok()) return status;
  const auto found = plans(batch.tokens());
  if (!found) return found.status();
  const Plans& plans = **found;

  ops::EmbedOperands embed;
  embed.words = &weights_.words;
  embed.positions = &weights_.positions;
  embed.type = weights_.type.data();
  embed.first_position = config_.first_position;
  embed.norm.weight = weights_.norm.weight.data();
  embed.norm.bias = weights_.norm.bias.data();
  embed.norm.eps = config_.eps;
  embed.y = hidden_.as<float>();
  embed.position_rows = position_rows_.as<float>();
  ops::PoolOperands pool;
  pool.x = hidden_.as<float>();
  pool.width = config_.width;
  pool.modes = pooling.modes;
  pool.normalize = pooling.normalize;
  pool.keep = pooling.keep;
  pool.y = out;

  team_.run([&](Team::Worker& worker) {
    ops::embed(worker, norm_, batch, embed);
    worker.barrier();
    for (const BertLayer& layer : weights_.layers) run_layer(worker, layer, plans, batch);
    ops::pool(worker, batch, pool);
  });
  return {};
}

}  // namespace lathe::models
