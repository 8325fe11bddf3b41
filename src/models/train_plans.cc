#include "models/train_plans.h"

#include <algorithm>

#include "base/checked.h"

namespace lathe::models {

Result<TrainPlans> TrainPlans::create(const TrainConfig& config, const TrainLayout& layout, const Rows& rows,
                                      int workers) {
  const int64_t tokens = rows.tokens;
  TrainPlans plans;
  plans.tokens = tokens;
  const int64_t most = std::max(kLeastLogitRows, kLogitBytes / 4 / config.vocabulary);
  plans.chunks = ceil_div(tokens, most);
  plans.chunk_rows = ceil_div(tokens, plans.chunks);
  plans.chunks = ceil_div(tokens, plans.chunk_rows);
  const int64_t last = tokens - (plans.chunks - 1) * plans.chunk_rows;

  const TrainLayer& layer = layout.layers.front();
  const TrainLinear head{config.width, config.vocabulary};
  const struct {
    const TrainLinear& linear;
    int64_t rows;
    bool residual;
    ops::LinearPlans& plans;
  } all[] = {{layer.qkv, tokens, false, plans.qkv},       {layer.out, tokens, true, plans.out},
             {layer.up, tokens, false, plans.up},         {layer.down, tokens, true, plans.down},
             {head, plans.chunk_rows, false, plans.head}, {head, last, false, plans.last_head}};
  for (const auto& each : all) {
    ops::LinearShape shape{each.rows, each.linear.in, each.linear.out, each.linear.order};
    shape.bias = each.linear.bias != kNoTensor;
    shape.residual = each.residual;
    shape.weights = rows.weights;
    auto made = ops::LinearPlans::create(shape, workers);
    if (!made) return made.status();
    each.plans = std::move(*made);
  }
  auto one =
      ops::MatmulPlan::create({.m = 1, .n = config.vocabulary, .k = config.width, .prepared = false}, nullptr, workers);
  if (!one) return one.status();
  plans.one_row = std::move(*one);
  return plans;
}

int64_t TrainPlans::workspace_bytes() const {
  int64_t bytes = one_row.workspace_bytes();
  for (const ops::LinearPlans* each : {&qkv, &out, &up, &down, &head, &last_head})
    bytes = std::max(bytes, each->workspace_bytes());
  return round_up(bytes, 64);
}

int64_t TrainPlans::panel_bytes() const {
  int64_t bytes = 0;
  for (const ops::LinearPlans* each : {&qkv, &out, &up, &down}) bytes = std::max(bytes, each->panel_bytes());
  return bytes;
}

int64_t TrainPlans::rows_panel_bytes() const {
  int64_t bytes = 0;
  for (const ops::LinearPlans* each : {&qkv, &out, &up, &down, &head, &last_head})
    bytes = std::max(bytes, each->rows_panel_bytes());
  return bytes;
}

}  // namespace lathe::models
