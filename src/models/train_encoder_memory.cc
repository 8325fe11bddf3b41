#include "models/train_encoder_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/checked.h"
#include "models/memory_cutter.h"
#include "ops/window_attention.h"

namespace lathe::models {
namespace {

struct Cut {
  const BertConfig& config;
  const EncoderLayout& layout;
  const TrainEncoder::Options& options;
  int threads;

  void activations(MemoryCutter& cutter, EncoderMemory& m) const {
    const int64_t tokens = options.tokens, w = config.width;
    m.layers.clear();
    m.embedded = cutter.take({tokens, w});
    for (int64_t i = 0; i < config.layers && !cutter.overflow(); ++i) {
      EncoderActivations layer;
      layer.qkv = cutter.take({tokens, 3 * w});
      layer.y = cutter.take({tokens, w});
      layer.lse = cutter.take({tokens, config.heads});
      layer.middle = cutter.take({tokens, w});
      layer.up = cutter.take({tokens, config.intermediate});
      layer.sum = cutter.take({tokens, w});
      m.layers.push_back(layer);
    }
  }

  void workspace(MemoryCutter& cutter, EncoderMemory& m) const {
    const int64_t tokens = options.tokens, w = config.width, inner = std::max(w, config.intermediate);
    const int64_t pairs = options.pairs, candidates = options.negatives ? 2 * pairs : pairs, texts = pairs + candidates;
    for (float** rows : {&m.x, &m.inner, &m.d_x, &m.d_inner, &m.d_sum}) *rows = cutter.take({tokens, w});
    for (float** rows : {&m.act, &m.d_act}) *rows = cutter.take({tokens, inner});
    m.d_qkv = cutter.take({tokens, 3 * w});
    for (float** rows : {&m.scale, &m.mean}) *rows = cutter.take({tokens});
    m.places = cutter.take<int32_t>({tokens});
    for (float** rows : {&m.pooled, &m.unit, &m.d_unit}) *rows = cutter.take({texts, w});
    m.inverse = cutter.take({texts});
    m.scores = cutter.take({pairs, candidates});
    for (int32_t** rows : {&m.rank, &m.targets}) *rows = cutter.take<int32_t>({pairs});
    m.losses = cutter.take<double>({pairs});
    const TrainLayer& layer = layout.layers.front();
    int64_t largest = 0;
    for (const TrainLinear* each : {&layer.qkv, &layer.out, &layer.up, &layer.down})
      largest = std::max(largest, ops::linear_panel_bytes(each->in, each->out, matmul::Type::f32));
    for (std::byte*& panels : m.products.panels) panels = cutter.take<std::byte>({largest});
    for (std::byte** panels : {&m.score_panels, &m.score_input_panels})
      *panels = cutter.take<std::byte>({ops::linear_panel_bytes(w, candidates, matmul::Type::f32)});
    m.attention = cutter.take<std::byte>({threads, ops::window_attention_scratch(options.longest, config.head_dim())});
  }
};

Result<int64_t> product_bytes(const BertConfig& config, const EncoderLayout& layout,
                              const TrainEncoder::Options& options, int threads) {
  const auto plans = EncoderPlans::create(layout, options.tokens, threads);
  if (!plans) return plans.status();
  const auto scores = ScorePlans::create(options.pairs, options.negatives, config.width, threads);
  if (!scores) return scores.status();
  return std::max(plans->workspace_bytes(), scores->workspace_bytes());
}

}  // namespace

Result<EncoderPlans> EncoderPlans::create(const EncoderLayout& layout, int64_t tokens, int workers) {
  EncoderPlans plans;
  const TrainLayer& layer = layout.layers.front();
  const struct {
    const TrainLinear& linear;
    bool residual;
    ops::LinearPlans& plans;
  } all[] = {{layer.qkv, false, plans.qkv},
             {layer.out, true, plans.out},
             {layer.up, false, plans.up},
             {layer.down, true, plans.down}};
  for (const auto& each : all) {
    ops::LinearShape shape{tokens, each.linear.in, each.linear.out, each.linear.order};
    shape.bias = true;
    shape.residual = each.residual;
    auto made = ops::LinearPlans::create(shape, workers);
    if (!made) return made.status();
    each.plans = std::move(*made);
  }
  return plans;
}

int64_t EncoderPlans::workspace_bytes() const {
  int64_t bytes = 0;
  for (const ops::LinearPlans* each : {&qkv, &out, &up, &down}) bytes = std::max(bytes, each->workspace_bytes());
  return round_up(bytes, 64);
}

Result<ScorePlans> ScorePlans::create(int64_t pairs, bool negatives, int64_t width, int workers) {
  auto made = ops::LinearPlans::create({pairs, width, negatives ? 2 * pairs : pairs}, workers);
  if (!made) return made.status();
  return ScorePlans{std::move(*made)};
}

int64_t ScorePlans::workspace_bytes() const { return round_up(scores.workspace_bytes(), 64); }

Result<TrainModel::Memory> EncoderMemory::sizes(const BertConfig& config, const EncoderLayout& layout,
                                                const TrainEncoder::Options& options, int threads) {
  const auto products = product_bytes(config, layout, options, threads);
  if (!products) return products.status();
  const Cut cut{config, layout, options, threads};
  EncoderMemory none;
  MemoryCutter activations(nullptr), workspace(nullptr);
  cut.activations(activations, none);
  cut.workspace(workspace, none);
  if (activations.overflow() || workspace.overflow())
    return out_of_memory(
        fmt::format("a step of {} pairs and {} tokens does not fit in any memory", options.pairs, options.tokens));
  TrainModel::Memory memory;
  memory.weights = memory.gradients = 4 * layout.size;
  memory.moments = 8 * layout.size;
  memory.activations = activations.size();
  memory.workspace = workspace.size() + 2 * *products;
  return memory;
}

Result<EncoderMemory> EncoderMemory::create(const BertConfig& config, const EncoderLayout& layout,
                                            const TrainEncoder::Options& options, int threads) {
  const auto needed = sizes(config, layout, options, threads);
  if (!needed) return needed.status();
  const auto products = product_bytes(config, layout, options, threads);
  if (!products) return products.status();
  EncoderMemory m;
  const struct {
    Buffer& buffer;
    int64_t bytes;
  } all[] = {{m.weights, needed->weights},           {m.gradients, needed->gradients},
             {m.first_moments, needed->moments / 2}, {m.second_moments, needed->moments / 2},
             {m.activations_, needed->activations},  {m.workspace_, needed->workspace - 2 * *products},
             {m.products.workspaces[0], *products},  {m.products.workspaces[1], *products}};
  for (const auto& each : all) {
    auto buffer = Buffer::create(each.bytes);
    if (!buffer) return buffer.status();
    each.buffer = std::move(*buffer);
  }
  const Cut cut{config, layout, options, threads};
  MemoryCutter activations(m.activations_.data()), workspace(m.workspace_.data());
  cut.activations(activations, m);
  cut.workspace(workspace, m);
  for (int64_t i = 0; i < options.pairs; ++i) m.targets[i] = static_cast<int32_t>(i);
  return m;
}

// Fewer tokens may be divided otherwise, and need more: with few of them, of little.
Status EncoderMemory::reserve_products(int64_t bytes) {
  for (Buffer& buffer : products.workspaces) {
    if (static_cast<int64_t>(buffer.size()) >= bytes) continue;
    auto larger = Buffer::create(bytes);
    if (!larger) return larger.status();
    buffer = std::move(*larger);
  }
  return {};
}

}  // namespace lathe::models
