// The rows of step_ops.h.
#include <fmt/format.h>

#include <algorithm>

#include "gpu/step_ops.h"

namespace lathe::gpu {
namespace {

using Rows = std::vector<StepVariant>;

StepVariant row(std::string name, StepOp op, const char* shader, int64_t threads, const char* what) {
  StepVariant v{};
  v.name = std::move(name), v.op = op, v.shader = shader, v.threads = threads, v.what = what;
  return v;
}

void add_rms_norm(Rows* rows) {
  for (const int64_t threads : {64, 256, 512}) {
    StepVariant v = row(fmt::format("rms_norm.{}", threads), StepOp::rms_norm, "rms_norm", threads,
                        "a workgroup for a row, its threads summed in a tree");
    v.shared_bytes = threads * 4;
    rows->push_back(v);
  }
}

// 256 is the widest head of the models that lathe has.
void add_attention(Rows* rows) {
  constexpr int64_t kMostDim = 256, kLanes = 8;  // of a key
  for (const int64_t threads : {64, 128, 256}) {
    StepVariant v = row(fmt::format("attention.{}", threads), StepOp::attention, "attention", threads,
                        "one query per head, a workgroup for each split of the keys");
    v.most_dim = kMostDim, v.constants = {static_cast<uint32_t>(kMostDim)};
    v.shared_bytes = (kMostDim + kLanes * (threads + kLanes / 2) + 2 * threads) * 4;
    rows->push_back(v);
  }
}

void add_row_ops(Rows* rows) {
  for (const WeightLayout layout : {WeightLayout::rows, WeightLayout::panels})
    for (int w = 0; w < kWeightTypes; ++w) {
      const auto type = static_cast<WeightType>(w);
      const char* lies = layout == WeightLayout::panels ? "panels." : "";
      StepVariant v = row(fmt::format("gather_rows.{}.{}64", type_name(type), lies), StepOp::gather_rows, "gather_rows",
                          64, "the embeddings of tokens, a thread for 16 bytes");
      v.w = type, v.layout = layout;
      v.constants = {static_cast<uint32_t>(w), static_cast<uint32_t>(layout)};
      rows->push_back(v);
    }
  rows->push_back(row("store_rows.64", StepOp::store_rows, "store_rows", 64, "rows into a cache"));
  rows->push_back(row("activate.64", StepOp::activate, "activate", 64, "a function of every element, or a gate"));
  rows->push_back(row("pool.64", StepOp::pool, "pool", 64, "a text's tokens to one vector"));
}

// A workgroup for each row, its threads summed in a tree.
void add_row_sums(Rows* rows) {
  const auto add = [rows](StepOp op, const char* shader, int64_t threads, const char* what) {
    StepVariant v = row(fmt::format("{}.{}", shader, threads), op, shader, threads, what);
    v.shared_bytes = threads * 4;
    rows->push_back(v);
  };
  for (const int64_t threads : {64, 256}) {
    add(StepOp::layer_norm, "layer_norm", threads, "mean and variance of a row by a workgroup");
    add(StepOp::residual_norms, "residual_norms", threads, "a norm, the residual stream, the next norm");
    add(StepOp::normalize_rows, "normalize_rows", threads, "rows to the length 1");
  }
  for (const bool interleaved : {false, true}) {
    StepVariant v = row(fmt::format("rotate_rows.{}.32", interleaved ? "interleaved" : "halves"), StepOp::rotate_rows,
                        "rotate_rows", 32, "a workgroup for a head of a token: norm and rotation");
    v.interleaved = interleaved, v.constants = {interleaved ? 1u : 0u}, v.shared_bytes = 32 * 4;
    rows->push_back(v);
  }
}

// 128 threads of 4 queries and 4 elements each, so that wider heads have smaller tiles. Blocks of keys are what fits
// into 32 KiB beside the queries.
void add_attention_tiles(Rows* rows) {
  constexpr int64_t kThreads = 128;
  for (const int64_t dim : {32, 64, 128, 256}) {
    const int64_t queries = 16 * kThreads / dim, keys = dim == 256 ? 16 : 32;
    StepVariant v = row(fmt::format("attention_tiles.{}x{}.{}", queries, keys, dim), StepOp::attention_tiles,
                        "attention_tiles", kThreads, "many queries of a text, a tile of them and a head a workgroup");
    v.most_dim = dim, v.tile_rows = queries;
    v.constants = {static_cast<uint32_t>(dim), static_cast<uint32_t>(queries), static_cast<uint32_t>(keys)};
    v.shared_bytes = ((queries + keys) * (dim + 4) + queries * keys + queries + kThreads) * 4;
    rows->push_back(v);
  }
}

void add_argmax(Rows* rows) {
  for (const int64_t threads : {256, 1024}) {
    StepVariant v =
        row(fmt::format("argmax.{}", threads), StepOp::argmax, "argmax", threads, "the best token, by one workgroup");
    v.shared_bytes = threads * 8;
    rows->push_back(v);
  }
}

// The widest first: one workgroup reads all logits several times, and what is on the way at once is its threads'.
void add_draw(Rows* rows) {
  constexpr int64_t kBins = 2048;
  for (const int64_t threads : {1024, 256}) {
    StepVariant v = row(fmt::format("draw.{}", threads), StepOp::draw, "draw", threads,
                        "a token drawn from the logits, by one workgroup");
    v.shared_bytes = threads * 8 + kBins * 8 + 12;
    rows->push_back(v);
  }
}

}  // namespace

std::span<const StepVariant> step_variants() {
  static const Rows rows = [] {
    Rows made;
    add_rms_norm(&made);
    add_attention(&made);
    made.push_back(row("attention_join.64", StepOp::attention_join, "attention_join", 64, "splits of keys together"));
    add_argmax(&made);
    add_draw(&made);
    add_row_ops(&made);
    add_row_sums(&made);
    add_attention_tiles(&made);
    return made;
  }();
  return rows;
}

const StepVariant* find_step_variant(std::string_view name) {
  const auto all = step_variants();
  const auto found = std::find_if(all.begin(), all.end(), [&](const StepVariant& v) { return v.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::string step_refusal(const StepVariant& v, const DeviceInfo& device) {
  if (!device.unusable.empty()) return "the device " + device.unusable;
  if (v.threads > device.most_threads)
    return fmt::format("workgroups of {} threads, the device has {} at most", v.threads, device.most_threads);
  if (v.shared_bytes > device.shared_bytes)
    return fmt::format("{} bytes of shared memory, the device has {}", v.shared_bytes, device.shared_bytes);
  return "";
}

}  // namespace lathe::gpu
