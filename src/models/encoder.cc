#include "models/encoder.h"

#include <algorithm>
#include <string>

namespace lathe::models {

int64_t Encoder::Plans::workspace_bytes() const {
  return std::max({qkv.workspace_bytes(), out.workspace_bytes(), up.workspace_bytes(), down.workspace_bytes()});
}

Result<int64_t> Encoder::pass_bytes(int64_t tokens) {
  const auto plans = make_plans(tokens);
  if (!plans) return plans.status();
  int64_t all = plans->workspace_bytes();
  for (const Need& need : needs(tokens)) all += need.bytes;
  return all;
}

Result<const Encoder::Plans*> Encoder::plans(int64_t tokens) {
  const auto found = plans_.at(tokens, [this](int64_t rows) { return make_plans(rows); });
  if (!found) return found.status();
  if (Status status = reserve_products((*found)->workspace_bytes()); !status.ok()) return status;
  return *found;
}

Status Encoder::check(const ops::TextBatch& batch, const PoolOptions& pooling) const {
  const int64_t pooled = sizes_.width * static_cast<int64_t>(pooling.modes.size());
  if (pooling.modes.empty()) return invalid_argument("a pass needs at least one kind of pooling; found none");
  if (head_ && head_->in() != pooled)
    return invalid_argument("the kinds of pooling give " + std::to_string(pooled) +
                            " elements; the Dense modules take " + std::to_string(head_->in()));
  const int64_t size = vector_size(pooling.modes.size());
  if (pooling.keep < 1 || pooling.keep > size)
    return invalid_argument("the vector is to have " + std::to_string(pooling.keep) + " elements; needed: 1 to " +
                            std::to_string(size));
  if (batch.offsets.size() < 2 || batch.offsets.front() != 0 ||
      batch.tokens() != static_cast<int64_t>(batch.ids.size()))
    return invalid_argument("the offsets of a batch lead from 0 to its " + std::to_string(batch.ids.size()) +
                            " tokens, one text or more");
  if (!pooling.skip.empty() && static_cast<int64_t>(pooling.skip.size()) != batch.texts())
    return invalid_argument("the tokens that are not pooled are given for " + std::to_string(pooling.skip.size()) +
                            " texts; the batch has " + std::to_string(batch.texts()));
  for (size_t i = 0; i + 1 < batch.offsets.size(); ++i) {
    const int64_t length = batch.offsets[i + 1] - batch.offsets[i];
    if (length < 1 || length > sizes_.max_tokens)
      return invalid_argument("text " + std::to_string(i) + " has " + std::to_string(length) +
                              " tokens; the model takes 1 to " + std::to_string(sizes_.max_tokens));
    if (!pooling.skip.empty() && (pooling.skip[i] < 0 || pooling.skip[i] >= length))
      return invalid_argument("of text " + std::to_string(i) + ", " + std::to_string(pooling.skip[i]) + " of " +
                              std::to_string(length) + " tokens are not pooled; needed: fewer");
  }
  for (const int32_t id : batch.ids)
    if (id < 0 || id >= sizes_.vocabulary)
      return invalid_argument("token " + std::to_string(id) + " is none of the model's " +
                              std::to_string(sizes_.vocabulary));
  return {};
}

void Encoder::pool(ops::Executor& x, const float* hidden, const Pass& pass) {
  ops::PoolOperands operands;
  operands.x = hidden;
  operands.width = sizes_.width;
  operands.modes = pass.pooling.modes;
  operands.skip = pass.pooling.skip;
  operands.normalize = pass.pooling.normalize && !head_;
  operands.keep = pass.pooling.keep;
  operands.y = head_ ? head_->pooled() : pass.out;
  x.pool(pass.batch, operands);
  x.sync();
  if (!head_) return;
  const int64_t texts = pass.batch.texts();
  head_->run(x, texts, pass.out);
  if (!pass.pooling.normalize) return;
  x.normalize_rows(pass.out, texts, head_->out(), pass.pooling.keep);
  x.sync();
}

Result<std::vector<std::span<const std::byte>>> Encoder::named_memory(int64_t tokens, int64_t texts) {
  auto memory = pass_memory(tokens);
  if (!memory) return memory;
  const int64_t longest[] = {0, std::min(tokens, sizes_.max_tokens)};
  if (Status status = prepare({.ids = {}, .offsets = longest}); !status.ok()) return status;
  if (!head_) return memory;
  if (Status status = head_->reserve(texts); !status.ok()) return status;
  for (const std::span<const std::byte> rows : head_->memory()) memory->push_back(rows);
  return memory;
}

Status Encoder::say(ops::Executor& x, const ops::TextBatch& batch, const PoolOptions& pooling, float* out,
                    const std::function<void()>& end_step) {
  if (head_)
    if (Status status = head_->reserve(batch.texts()); !status.ok()) return status;
  const auto found = plans_.at(batch.tokens(), [this](int64_t rows) { return make_plans(rows); });
  if (!found) return found.status();
  const Pass pass = {batch, **found, pooling, out};
  for (int64_t i = 0; i < steps(); ++i) {
    step(x, i, pass);
    end_step();
  }
  return {};
}

std::vector<LinearWeights*> Encoder::all_linears() {
  std::vector<LinearWeights*> all = linears();
  if (head_)
    for (LinearWeights* linear : head_->linears()) all.push_back(linear);
  return all;
}

int64_t Encoder::weight_bytes() {
  auto bytes = static_cast<int64_t>(words().bytes().size());
  for (const LinearWeights* linear : all_linears()) bytes += linear->weights.bytes();
  return bytes;
}

void Encoder::drop_products() {
  dropped_ = true;
  for (LinearWeights* linear : all_linears()) linear->weights.drop();
}

Status Encoder::run(const ops::TextBatch& batch, const PoolOptions& pooling, float* out) {
  if (dropped_) return failed("the weights of this encoder's products have left the CPU");
  if (Status status = check(batch, pooling); !status.ok()) return status;
  if (Status status = reserve(batch.tokens()); !status.ok()) return status;
  if (head_)
    if (Status status = head_->reserve(batch.texts()); !status.ok()) return status;
  if (Status status = prepare(batch); !status.ok()) return status;
  const auto found = plans(batch.tokens());
  if (!found) return found.status();
  const Pass pass = {batch, **found, pooling, out};
  run_steps(steps(), [&](ops::Executor& x, int64_t i) { step(x, i, pass); });
  return {};
}

}  // namespace lathe::models
