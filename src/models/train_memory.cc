#include "models/train_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"
#include "models/memory_cutter.h"
#include "ops/linear.h"
#include "ops/window_attention.h"

namespace lathe::models {
namespace {

using Family = TrainConfig::Family;

using Cutter = MemoryCutter;

struct Cut {
  const TrainConfig& config;
  const TrainLayout& layout;
  const TrainModel::Options& options;
  const TrainPlans& plans;
  int threads;
  TrainRows rows{config, layout};

  void activations(Cutter& cutter, TrainMemory& m) const {
    const int64_t tokens = plans.tokens;
    const int64_t kept = options.recompute ? 1 : config.layers;
    m.x.clear();
    m.layers.clear();
    for (int64_t i = 0; i <= config.layers && !cutter.overflow(); ++i) m.x.push_back(cutter.take({tokens, rows.width}));
    for (int64_t i = 0; i < kept && !cutter.overflow(); ++i) {
      LayerActivations layer = m.wide;
      if (options.bf16) {
        layer.rounded_qkv = cutter.take<bf16>({tokens, rows.qkv});
        layer.rounded_y = cutter.take<bf16>({tokens, rows.queries});
        layer.rounded_up = cutter.take<bf16>({tokens, rows.up});
      } else {
        wide(cutter, layer);
      }
      layer.lse = cutter.take({tokens, config.heads});
      layer.middle = cutter.take({tokens, rows.width});
      m.layers.push_back(layer);
    }
  }

  void wide(Cutter& cutter, LayerActivations& layer) const {
    layer.qkv = cutter.take({plans.tokens, rows.qkv});
    layer.y = cutter.take({plans.tokens, rows.queries});
    layer.up = cutter.take({plans.tokens, rows.up});
  }

  void logits(Cutter& cutter, TrainMemory& m) const { m.logits = cutter.take({plans.chunk_rows, config.vocabulary}); }

  void workspace(Cutter& cutter, TrainMemory& m) const {
    const int64_t tokens = plans.tokens;
    const bool qwen3 = config.family == Family::qwen3, gpt2 = config.family == Family::gpt2;
    if (options.bf16) wide(cutter, m.wide);
    m.normed = cutter.take({tokens, rows.width});
    if (qwen3) m.rotated = cutter.take({tokens, rows.qkv});
    m.act = cutter.take({tokens, std::max(rows.act, rows.queries)});
    m.d_act = cutter.take({tokens, rows.act});
    m.d_x = cutter.take({tokens, rows.width});
    m.d_normed = cutter.take({tokens, rows.width});
    m.d_qkv = cutter.take({tokens, rows.qkv});
    m.scale = cutter.take({tokens});
    if (gpt2) m.mean = cutter.take({tokens});
    if (qwen3) m.head_scale = cutter.take({tokens, config.heads + config.kv_heads});
    if (!gpt2)
      for (float** table : {&m.cos, &m.sin, &m.minus_sin}) *table = cutter.take({options.length, config.head_dim / 2});
    m.losses = cutter.take<double>({tokens});
    for (std::byte*& panels : m.products.panels) panels = cutter.take<std::byte>({plans.panel_bytes()});
    m.products.rows_panels = cutter.take<std::byte>({plans.rows_panel_bytes()});
    for (std::byte** panels : {&m.head_panels, &m.head_input_panels})
      *panels = cutter.take<std::byte>({plans.head.panel_bytes()});
    m.attention = cutter.take<std::byte>({threads, ops::window_attention_scratch(options.length, config.head_dim)});
  }
};

}  // namespace

TrainRows::TrainRows(const TrainConfig& config, const TrainLayout& layout)
    : width(config.width),
      queries(config.heads * config.head_dim),
      keys(config.kv_heads * config.head_dim),
      qkv(queries + 2 * keys),
      up(layout.layers.front().up.out),
      act(config.intermediate) {}

Result<TrainModel::Memory> TrainMemory::sizes(const TrainConfig& config, const TrainLayout& layout,
                                              const TrainModel::Options& options, const TrainPlans& plans,
                                              int threads) {
  const Cut cut{config, layout, options, plans, threads};
  TrainMemory none;
  Cutter activations(nullptr), logits(nullptr), workspace(nullptr);
  cut.activations(activations, none);
  cut.logits(logits, none);
  cut.workspace(workspace, none);
  if (activations.overflow() || logits.overflow() || workspace.overflow())
    return out_of_memory(
        fmt::format("a step of {} windows of {} tokens does not fit in any memory", options.windows, options.length));
  TrainModel::Memory memory;
  memory.weights = 4 * layout.size;
  memory.gradients = memory.weights * (options.accumulate ? 2 : 1);
  memory.moments = 8 * layout.size;
  memory.activations = activations.size();
  memory.logits = logits.size();
  memory.workspace = workspace.size() + 2 * plans.workspace_bytes();
  return memory;
}

Result<TrainMemory> TrainMemory::create(const TrainConfig& config, const TrainLayout& layout,
                                        const TrainModel::Options& options, const TrainPlans& plans, int threads) {
  const auto needed = sizes(config, layout, options, plans, threads);
  if (!needed) return needed.status();
  TrainMemory m;
  const struct {
    Buffer& buffer;
    int64_t bytes;
  } all[] = {{m.weights, needed->weights},
             {m.gradients, needed->weights},
             {m.pass_gradients, needed->gradients - needed->weights},
             {m.first_moments, needed->moments / 2},
             {m.second_moments, needed->moments / 2},
             {m.activations_, needed->activations},
             {m.logits_, needed->logits},
             {m.workspace_, needed->workspace - 2 * plans.workspace_bytes()},
             {m.products.workspaces[0], plans.workspace_bytes()},
             {m.products.workspaces[1], plans.workspace_bytes()}};
  for (const auto& each : all) {
    auto buffer = Buffer::create(each.bytes);
    if (!buffer) return buffer.status();
    each.buffer = std::move(*buffer);
  }
  const Cut cut{config, layout, options, plans, threads};
  Cutter activations(m.activations_.data()), logits(m.logits_.data()), workspace(m.workspace_.data());
  cut.workspace(workspace, m);
  cut.activations(activations, m);
  cut.logits(logits, m);
  return m;
}

int64_t TrainMemory::bytes() const {
  size_t bytes = 0;
  for (const Buffer* each : {&weights, &gradients, &pass_gradients, &first_moments, &second_moments, &activations_,
                             &logits_, &workspace_, &products.workspaces[0], &products.workspaces[1]})
    bytes += each->size();
  return static_cast<int64_t>(bytes);
}

}  // namespace lathe::models
