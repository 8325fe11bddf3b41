#include "models/decoder.h"

#include <algorithm>
#include <string>

namespace lathe::models {
namespace {

constexpr int64_t kFloat = sizeof(float);

activation::Function function_of(matmul::Activation activation) {
  switch (activation) {
    case matmul::Activation::gelu_erf:
      return activation::Function::gelu_erf;
    case matmul::Activation::gelu_tanh:
      return activation::Function::gelu_tanh;
    case matmul::Activation::relu:
      return activation::Function::relu;
    default:
      return activation::Function::silu;  // DecoderConfig has one
  }
}

}  // namespace

Decoder::Decoder(DecoderConfig config, DecoderWeights weights, Team& team)
    : PassModel(team),
      config_(std::move(config)),
      weights_(std::move(weights)),
      global_(config_.global.table()),
      local_(config_.local.table()) {
  const bool residual = !config_.post_norms;
  for (const DecoderLayer& layer : weights_.layers) {
    LayerProducts products;
    for (const LinearWeights& linear : layer.qkv) products.qkv.push_back(place_of({&linear}));
    products.out = place_of({.linear = &layer.out, .residual = residual});
    for (const LinearWeights& linear : layer.gate_up)
      products.gate_up.push_back(place_of(
          {.linear = &linear,
           .activation = linear.weights.gated() || !config_.gated ? config_.activation : matmul::Activation::none}));
    products.down = place_of({.linear = &layer.down, .residual = residual});
    layer_products_.push_back(std::move(products));
  }
}

ops::KvShape Decoder::kv_shape(ops::KvType type) const {
  return {static_cast<int64_t>(config_.layers.size()), config_.kv_heads, config_.head_dim, type};
}

int64_t Decoder::Plans::workspace_bytes() const {
  int64_t most = 0;
  for (const ops::MatmulPlan& plan : each) most = std::max(most, plan.workspace_bytes());
  return most;
}

// Products of one shape share a plan.
size_t Decoder::place_of(const Product& product) {
  const auto same = std::ranges::find_if(products_of_layers_, [&](const Product& known) {
    const ops::Weights &a = known.linear->weights, &b = product.linear->weights;
    return a.n() == b.n() && a.k() == b.k() && a.layout() == b.layout() && a.gated() == b.gated() &&
           known.linear->bias.empty() == product.linear->bias.empty() && known.activation == product.activation &&
           known.residual == product.residual;
  });
  const auto place = static_cast<size_t>(same - products_of_layers_.begin());
  if (same == products_of_layers_.end()) products_of_layers_.push_back(product);
  return place;
}

Result<ops::MatmulPlan> Decoder::plan(const Product& product, int64_t rows) const {
  const ops::Weights& weights = product.linear->weights;
  matmul::Problem problem;
  problem.m = rows;
  problem.n = weights.n();
  problem.k = weights.k();
  problem.w = product.linear->type;
  problem.gated = weights.gated();
  problem.act = product.activation;
  problem.bias = !product.linear->bias.empty();
  problem.residual = product.residual;
  return ops::MatmulPlan::create(problem, nullptr, workers());
}

Result<Decoder::Plans> Decoder::make_plans(std::span<const Product> products, int64_t rows) const {
  Plans plans;
  for (const Product& product : products) {
    auto made = plan(product, rows);
    if (!made) return made.status();
    plans.each.push_back(std::move(*made));
  }
  return plans;
}

int64_t Decoder::wide_row() const {
  size_t parts = 1;
  for (const DecoderLayer& layer : weights_.layers) parts = std::max(parts, layer.gate_up.size());
  return std::max(qkv_row(), static_cast<int64_t>(parts) * config_.intermediate);
}

std::vector<PassModel::Need> Decoder::needs(int64_t tokens) {
  return {
      {hidden_, tokens * config_.width * kFloat},
      {normed_, tokens * config_.width * kFloat},
      {context_, tokens * queries() * kFloat},
      {wide_, tokens * wide_row() * kFloat},
      {worker_scratch_, workers() * ops::paged_attention_scratch_bytes(config_.head_dim)},
  };
}

int64_t Decoder::shrink_plans(int64_t tokens) { return std::max(plans_.shrink(tokens), head_plans_.shrink(tokens)); }

Status Decoder::check(const DecoderBatch& batch) const {
  const auto& [ids, offsets] = batch.tokens;
  if (offsets.size() < 2 || offsets.front() != 0 || batch.tokens.tokens() != static_cast<int64_t>(ids.size()) ||
      batch.texts.size() + 1 != offsets.size())
    return invalid_argument("the offsets of a batch lead from 0 to its " + std::to_string(ids.size()) +
                            " tokens, one text or more");
  for (size_t i = 0; i < batch.texts.size(); ++i) {
    const int64_t tokens = offsets[i + 1] - offsets[i], before = batch.texts[i]->length();
    if (tokens < 1) return invalid_argument("text " + std::to_string(i) + " brings no token, needed: 1 or more");
    if (before + tokens > config_.positions)
      return invalid_argument("text " + std::to_string(i) + " would have " + std::to_string(before + tokens) +
                              " tokens, needed: at most the model's " + std::to_string(config_.positions));
  }
  for (const int32_t id : ids)
    if (id < 0 || id >= config_.vocabulary)
      return invalid_argument("token " + std::to_string(id) + " is none of the model's " +
                              std::to_string(config_.vocabulary));
  if (static_cast<int64_t>(batch.rows.size()) > batch.tokens.tokens())
    return invalid_argument("logits are wanted of " + std::to_string(batch.rows.size()) +
                            " rows, needed: at most the " + std::to_string(batch.tokens.tokens()) +
                            " tokens of the batch");
  for (const int64_t row : batch.rows)
    if (row < 0 || row >= batch.tokens.tokens())
      return invalid_argument("logits are wanted of token " + std::to_string(row) + ", needed: one of the batch's " +
                              std::to_string(batch.tokens.tokens()));
  return {};
}

// Pages, tables and memory. Every text is of one pool.
Status Decoder::prepare(const DecoderBatch& batch) {
  if (Status status = reserve(batch.tokens.tokens()); !status.ok()) return status;
  cached_.clear();
  int64_t longest = 0;
  for (size_t i = 0; i < batch.texts.size(); ++i) {
    ops::KvText& text = *batch.texts[i];
    const int64_t length = text.length() + batch.tokens.offsets[i + 1] - batch.tokens.offsets[i];
    if (Status status = text.reserve(length); !status.ok()) return status;
    longest = std::max(longest, length);
    cached_.push_back({text.length(), text.pages()});
  }
  shape_ = batch.texts.front()->shape();
  reserve_rope(longest);
  return {};
}

void Decoder::reserve_rope(int64_t positions) {
  if (config_.learned_positions) return;
  for (ops::RopeTable* table : {&global_, &local_}) table->reserve(positions, config_.positions);
}

void Decoder::multiply(ops::Executor& x, const char* name, const ops::MatmulPlan& plan, const LinearWeights& linear,
                       const float* a, float* c, int64_t ldc) {
  ops::MatmulOperands operands;
  operands.a = a;
  operands.lda = linear.weights.k();
  operands.weights = &linear.weights;
  operands.c = c;
  operands.ldc = ldc;
  operands.epilogue.bias = linear.bias.empty() ? nullptr : linear.bias.data();
  operands.epilogue.act = plan.problem().act;
  operands.epilogue.gated = plan.problem().gated;
  if (plan.problem().residual) {
    operands.epilogue.residual = c;
    operands.epilogue.residual_ld = ldc;
  }
  x.matmul(name, plan, operands, products());
  x.sync();
}

// h = words * scale, or words + positions; what the first product reads = norm(h)
void Decoder::embed(ops::Executor& x, const Pass& pass) {
  if (config_.learned_positions) {
    x.embed_at_positions(pass.batch, weights_.words, weights_.positions, normed_.as<float>(), hidden_.as<float>());
  } else {
    x.embed_scaled(pass.batch.tokens, weights_.words, config_.embedding_scale, hidden_.as<float>());
  }
  x.sync();
  add_and_norm(x, {}, weights_.layers.front().attention_norm, pass.batch.tokens.tokens());
}

// With post norms: h += norm(what the product gave), which otherwise the product itself has added. What the next
// product reads = norm(h).
void Decoder::add_and_norm(ops::Executor& x, const std::vector<float>& post, const NormWeights& next, int64_t tokens) {
  if (!post.empty()) {
    ops::ResidualNorms norms;
    norms.rows = tokens;
    norms.n = config_.width;
    norms.x = normed_.as<float>();
    norms.y = normed_.as<float>();
    norms.post = post.data();
    norms.hidden = hidden_.as<float>();
    norms.next = next.weight.data();
    norms.weight_offset = config_.norm_offset;
    norms.eps = config_.eps;
    x.residual_norms(norms);
  } else {
    norm::Args args{};
    args.rows = tokens;
    args.n = args.x_row = args.y_row = config_.width;
    args.x = hidden_.as<float>();
    args.weight = next.weight.data();
    args.weight_offset = config_.norm_offset;
    args.eps = config_.eps;
    args.y = normed_.as<float>();
    if (config_.layer_norms) {
      args.bias = next.bias.data();
      x.layer_norm(args);
    } else {
      x.rms_norm(args);
    }
  }
  x.sync();
}

void Decoder::attend(ops::Executor& x, size_t i, const Pass& pass) {
  const DecoderLayer& layer = weights_.layers[i];
  const DecoderConfig::Layer& rules = config_.layers[i];
  float* const qkv = wide_.as<float>();

  ops::CacheOperands cache;
  cache.layer = static_cast<int64_t>(i);
  cache.heads = config_.heads;
  cache.query_norm = layer.query_norm.empty() ? nullptr : layer.query_norm.data();
  cache.key_norm = layer.key_norm.empty() ? nullptr : layer.key_norm.data();
  cache.weight_offset = config_.norm_offset;
  cache.eps = config_.eps;
  if (rules.rotary) cache.table = rules.sliding ? &local_ : &global_;
  cache.pairing = config_.pairing;
  cache.qkv = qkv;
  cache.row = qkv_row();
  x.rotate_and_cache(pass.batch, cache);
  x.sync();

  ops::PagedAttentionOperands heads;
  heads.layer = static_cast<int64_t>(i);
  heads.heads = config_.heads;
  heads.scale = config_.attention_scale;
  heads.window = rules.sliding ? config_.window : -1;
  heads.q = qkv;
  heads.q_row = qkv_row();
  heads.y = context_.as<float>();
  heads.y_row = queries();
  heads.scratch = worker_scratch_.data();
  x.attention(pass.batch, heads);
  poll(x, pass);
  x.sync();
}

// Twice in a layer, so that half of one is what a cancelled pass goes on for: 80 ms of 128 tokens through 3e9 weights
// on two cores. Between a read of cancelled_ and the next write stand two syncs at least.
void Decoder::poll(ops::Executor& x, const Pass& pass) {
  if (pass.asked.cancel != nullptr) x.poll(*pass.asked.cancel, cancelled_);
}

// wide = act(gate(normed)) * up(normed), or act(up(normed)), with the same bits whether that is one product or two.
void Decoder::feed_forward(ops::Executor& x, size_t i, const Pass& pass) {
  const std::vector<LinearWeights>& parts = weights_.layers[i].gate_up;
  const int64_t tokens = pass.batch.tokens.tokens(), n = config_.intermediate;
  float* const wide = wide_.as<float>();
  for (size_t part = 0; part < parts.size(); ++part)
    multiply(x, "gate up", pass.plans.each[layer_products_[i].gate_up[part]], parts[part], normed_.as<float>(),
             wide + static_cast<int64_t>(part) * tokens * n, n);
  if (parts.size() == 1) return;
  x.gate(function_of(config_.activation), {.rows = tokens,
                                           .n = n,
                                           .gate = wide,
                                           .gate_row = n,
                                           .up = wide + tokens * n,
                                           .up_row = n,
                                           .y = wide,
                                           .y_row = n});
  x.sync();
}

// h += out(attention(qkv(norm(h)))); h += down(act(gate(norm(h))) * up(norm(h))), with or without norms of what is
// added
void Decoder::layer(ops::Executor& x, size_t i, const Pass& pass) {
  const DecoderLayer& layer = weights_.layers[i];
  const LayerProducts& places = layer_products_[i];
  const std::vector<ops::MatmulPlan>& plans = pass.plans.each;
  const bool last = i + 1 == weights_.layers.size();
  const NormWeights& next = last ? weights_.norm : weights_.layers[i + 1].attention_norm;
  const int64_t tokens = pass.batch.tokens.tokens();
  float* const normed = normed_.as<float>();
  float* const wide = wide_.as<float>();
  float* const added = config_.post_norms ? normed : hidden_.as<float>();

  for (size_t part = 0, column = 0; part < layer.qkv.size(); ++part) {
    const LinearWeights& linear = layer.qkv[part];
    multiply(x, "qkv", plans[places.qkv[part]], linear, normed, wide + column, qkv_row());
    column += static_cast<size_t>(linear.weights.n());
  }
  attend(x, i, pass);
  if (cancelled_) return;
  multiply(x, "attention out", plans[places.out], layer.out, context_.as<float>(), added, config_.width);
  add_and_norm(x, layer.attention_post_norm, layer.ffn_norm, tokens);
  feed_forward(x, i, pass);
  poll(x, pass);
  multiply(x, "down", plans[places.down], layer.down, wide, added, config_.width);
  if (!last || config_.post_norms) add_and_norm(x, layer.ffn_post_norm, next, tokens);
}

// logits = head(norm(h)) of the tokens that were asked for. They are packed where nobody reads any more.
void Decoder::give_logits(ops::Executor& x, const Pass& pass) {
  if (pass.asked.rows.empty()) return;
  ops::GatherNorm gather;
  gather.rows = pass.asked.rows;
  gather.n = config_.width;
  gather.x = hidden_.as<float>();
  gather.weight = weights_.norm.weight.data();
  gather.bias = config_.layer_norms ? weights_.norm.bias.data() : nullptr;
  gather.weight_offset = config_.norm_offset;
  gather.eps = config_.eps;
  gather.y = normed_.as<float>();
  x.gather_norm(gather);
  x.sync();
  multiply(x, "head", pass.head.each.front(), weights_.head, normed_.as<float>(), pass.asked.logits,
           config_.vocabulary);
}

void Decoder::step(ops::Executor& x, int64_t i, const Pass& pass) {
  if (cancelled_) return;
  if (i == 0) return embed(x, pass);
  const auto at = static_cast<size_t>(i - 1);
  at < weights_.layers.size() ? layer(x, at, pass) : give_logits(x, pass);
}

Result<Decoder::Pass> Decoder::plan_pass(const DecoderBatch& batch) {
  const auto plans =
      plans_.at(batch.tokens.tokens(), [this](int64_t rows) { return make_plans(products_of_layers_, rows); });
  if (!plans) return plans.status();
  const Product head[] = {{&weights_.head}};
  const auto of_head = head_plans_.at(std::max<int64_t>(1, static_cast<int64_t>(batch.rows.size())),
                                      [&](int64_t rows) { return make_plans(head, rows); });
  if (!of_head) return of_head.status();
  if (Status status = reserve_products(std::max((*plans)->workspace_bytes(), (*of_head)->workspace_bytes()));
      !status.ok())
    return status;
  cancelled_ = false;
  return Pass{{batch.tokens, cached_, &shape_}, **plans, **of_head, batch};
}

Result<PassOutcome> Decoder::run(const DecoderBatch& batch) {
  if (dropped_) return failed("the weights of this decoder's products have left the CPU");
  if (Status status = check(batch); !status.ok()) return status;
  if (Status status = prepare(batch); !status.ok()) return status;
  const auto pass = plan_pass(batch);
  if (!pass) return pass.status();
  run_steps(static_cast<int64_t>(weights_.layers.size()) + 2, [&](ops::Executor& x, int64_t i) { step(x, i, *pass); });
  if (cancelled_) return PassOutcome::cancelled;
  for (size_t i = 0; i < batch.texts.size(); ++i)
    batch.texts[i]->advance(batch.tokens.offsets[i + 1] - batch.tokens.offsets[i]);
  return PassOutcome::done;
}

Status Decoder::say(ops::Executor& x, const Saying& what, const std::function<void()>& end_step) {
  if (Status status = reserve(what.tokens); !status.ok()) return status;
  reserve_rope(what.positions);
  const std::vector<int32_t> ids(static_cast<size_t>(what.tokens), 0);
  const int64_t offsets[] = {0, what.tokens};
  shape_ = kv_shape(ops::KvType::f32);
  cached_.assign(1, ops::CachedText{});
  const DecoderBatch batch = {.tokens = {ids, offsets}, .texts = {}, .rows = what.rows, .logits = what.logits};
  const auto pass = plan_pass(batch);
  if (!pass) return pass.status();
  for (int64_t i = 0; i < static_cast<int64_t>(weights_.layers.size()) + 2; ++i) {
    step(x, i, *pass);
    end_step();
  }
  return {};
}

void Decoder::drop_products() {
  dropped_ = true;
  for (LinearWeights* linear : weights_.products()) linear->weights.drop();
}

}  // namespace lathe::models
