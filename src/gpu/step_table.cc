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

void add_gather(Rows* rows) {
  for (int w = 0; w < kWeightTypes; ++w) {
    const auto type = static_cast<WeightType>(w);
    StepVariant v = row(fmt::format("gather.{}.64", type_name(type)), StepOp::gather, "gather", 64,
                        "the embedding of a token, a thread for 16 bytes");
    v.w = type, v.constants = {static_cast<uint32_t>(w)};
    rows->push_back(v);
  }
}

void add_rms_norm(Rows* rows) {
  for (const int64_t threads : {64, 256, 512}) {
    StepVariant v = row(fmt::format("rms_norm.{}", threads), StepOp::rms_norm, "rms_norm", threads,
                        "a workgroup for a row, its threads summed in a tree");
    v.shared_bytes = threads * 4;
    rows->push_back(v);
  }
}

void add_rope(Rows* rows) {
  for (const bool interleaved : {false, true}) {
    StepVariant v = row(fmt::format("rope.{}.64", interleaved ? "interleaved" : "halves"), StepOp::rope, "rope", 64,
                        "a thread for a pair");
    v.interleaved = interleaved, v.constants = {interleaved ? 1u : 0u};
    rows->push_back(v);
  }
}

// 256 is the widest head of the models that lathe has.
void add_attention(Rows* rows) {
  constexpr int64_t kMostDim = 256;
  for (const int64_t threads : {64, 128, 256}) {
    StepVariant v = row(fmt::format("attention.{}", threads), StepOp::attention, "attention", threads,
                        "one query per head, a workgroup for each split of the keys");
    v.most_dim = kMostDim, v.constants = {static_cast<uint32_t>(kMostDim)};
    v.shared_bytes = (kMostDim + threads) * 4;
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

}  // namespace

std::span<const StepVariant> step_variants() {
  static const Rows rows = [] {
    Rows made;
    add_gather(&made);
    add_rms_norm(&made);
    add_rope(&made);
    made.push_back(row("store.64", StepOp::store, "store", 64, "a row into a cache"));
    add_attention(&made);
    made.push_back(row("attention_join.64", StepOp::attention_join, "attention_join", 64, "splits of keys together"));
    add_argmax(&made);
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
