#include "gpu/step_ops.h"

#include <fmt/format.h>

#include "base/checked.h"
#include "gpu/step_checks.h"

namespace lathe::gpu {

int64_t attention_parts_bytes(int64_t texts, int64_t heads, int64_t dim, int64_t context, int64_t keys_of_split) {
  return texts * heads * ceil_div(context, keys_of_split) * (dim + 2) * 4;
}

Result<StepProgram> StepProgram::create(Device& device, const StepVariant& variant) {
  if (std::string why = step_refusal(variant, device.info()); !why.empty())
    return unsupported(variant.name + ": " + why);
  PipelineSpec spec;
  spec.shader = variant.shader;
  spec.constants = {static_cast<uint32_t>(variant.threads)};
  spec.constants.insert(spec.constants.end(), variant.constants.begin(), variant.constants.end());
  auto pipeline = device.create_pipeline(spec);
  if (!pipeline) return pipeline.status();
  StepProgram program;
  program.variant_ = &variant;
  program.most_groups_ = device.info().most_groups;
  program.pipeline_ = std::move(*pipeline);
  return program;
}

Status StepProgram::check_op(StepOp op) const {
  if (variant_->op == op) return {};
  return invalid_argument(variant_->name + " was handed the arguments of another op");
}

Groups StepProgram::groups_for(int64_t items) const {
  const int64_t groups = ceil_div(items, variant_->threads), rows = ceil_div(groups, most_groups_);
  return {ceil_div(groups, rows), rows};
}

Status StepProgram::record(Recording& recording, const RmsNormArgs& a) const {
  if (Status s = check_op(StepOp::rms_norm); !s.ok()) return s;
  Checks checks;
  checks.size("rows", a.rows, 1, most_groups_);
  checks.size("n", a.n, 1);
  checks.size("the distance of rows of x", a.x_row, a.n);
  checks.size("the distance of rows of y", a.y_row, a.n);
  checks.place("x", a.x, ((a.rows - 1) * a.x_row + a.n) * 4);
  checks.place("the weight", a.w, a.n * 4);
  checks.place("y", a.y, ((a.rows - 1) * a.y_row + a.n) * 4);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, w, y;
    uint32_t n, x_row, y_row;
    float epsilon, offset;
    uint32_t unused;
  } push{address_of(a.x), address_of(a.w), address_of(a.y), u32(a.n), u32(a.x_row),
         u32(a.y_row),    a.epsilon,       a.offset,        0};
  dispatch(recording, *pipeline_, push, {a.rows, 1});
  return {};
}

// Workgroups for every split that the context has: those beyond their text's position leave at once.
Status StepProgram::record(Recording& recording, const AttentionArgs& a) const {
  if (Status s = check_op(StepOp::attention); !s.ok()) return s;
  Checks checks;
  checks.size("texts", a.texts, 1, most_groups_);
  checks.size("heads", a.heads, 1, most_groups_);
  checks.size("context", a.context, 1);
  checks.size("heads of keys", a.kv_heads, 1, a.heads);
  checks.size("the width of a head", a.dim, 1, variant_->most_dim);
  checks.size("the distance of queries", a.q_row, a.heads * a.dim);
  const int64_t splits = ceil_div(a.context, variant_->threads);
  checks.size("positions that are seen behind", a.behind, 0, kSeesAll);
  if (checks.ok()) checks.size("splits of the texts' contexts", a.texts * splits, 1, most_groups_);
  checks.rows("q", a.q, a.texts, a.q_row, a.heads * a.dim);
  checks.place("the addresses of keys", a.keys, a.texts * 8, 8);
  checks.place("the addresses of values", a.values, a.texts * 8, 8);
  checks.rows("parts", a.parts, a.texts * a.heads * splits, a.dim + 2, a.dim + 2);
  checks.place("the positions", a.positions, a.texts * 4);
  checks.place("the rooms", a.rooms, a.texts * 4);
  if (!checks.ok()) return checks.status();
  if (a.heads % a.kv_heads != 0)
    return invalid_argument(fmt::format("{} heads over {} of keys, needed: a multiple", a.heads, a.kv_heads));
  struct {
    uint64_t q, keys, values, parts, positions, rooms;
    uint32_t heads, kv_heads, dim, splits;
    float scale;
    uint32_t q_row, behind, unused;
  } push{address_of(a.q),
         address_of(a.keys),
         address_of(a.values),
         address_of(a.parts),
         address_of(a.positions),
         address_of(a.rooms),
         u32(a.heads),
         u32(a.kv_heads),
         u32(a.dim),
         u32(splits),
         a.scale,
         u32(a.q_row),
         u32(a.behind),
         0};
  dispatch(recording, *pipeline_, push, {a.heads, a.texts * splits});
  return {};
}

Status StepProgram::record(Recording& recording, const AttentionJoinArgs& a) const {
  if (Status s = check_op(StepOp::attention_join); !s.ok()) return s;
  Checks checks;
  checks.size("texts", a.texts, 1, most_groups_);
  checks.size("heads", a.heads, 1, most_groups_);
  checks.size("the width of a head", a.dim, 1, most_groups_);
  checks.size("the distance of rows of y", a.y_row, a.heads * a.dim);
  checks.size("context", a.context, 1);
  checks.size("keys of a split", a.keys_of_split, 1);
  checks.size("positions that are seen behind", a.behind, 0, kSeesAll);
  if (!checks.ok()) return checks.status();
  const int64_t splits = ceil_div(a.context, a.keys_of_split);
  checks.size("splits of the texts' contexts", a.texts * splits, 1, most_groups_);
  checks.rows("parts", a.parts, a.texts * a.heads * splits, a.dim + 2, a.dim + 2);
  checks.rows("y", a.y, a.texts, a.y_row, a.heads * a.dim);
  checks.place("the positions", a.positions, a.texts * 4);
  checks.place("the rooms", a.rooms, a.texts * 4);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t parts, y, positions, rooms;
    uint32_t texts, heads, dim, splits, keys_of_split, behind, y_row, unused;
  } push{address_of(a.parts), address_of(a.y), address_of(a.positions), address_of(a.rooms), u32(a.texts), u32(a.heads),
         u32(a.dim),          u32(splits),     u32(a.keys_of_split),    u32(a.behind),       u32(a.y_row), 0};
  dispatch(recording, *pipeline_, push, groups_for(a.texts * a.heads * a.dim));
  return {};
}

Status StepProgram::record(Recording& recording, const ArgmaxArgs& a) const {
  if (Status s = check_op(StepOp::argmax); !s.ok()) return s;
  Checks checks;
  checks.choice(a, most_groups_);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, ids, positions;
    uint32_t n, x_row;
  } push{address_of(a.x), address_of(a.ids), address_of(a.positions), u32(a.n), u32(a.x_row)};
  dispatch(recording, *pipeline_, push, {a.texts, 1});
  return {};
}

}  // namespace lathe::gpu
