// Norms, activations and pooling of row_ops.h.
#include "base/checked.h"
#include "gpu/row_ops.h"
#include "gpu/step_checks.h"

namespace lathe::gpu {

Status StepProgram::record(Recording& recording, const LayerNormArgs& a) const {
  if (Status s = check_op(StepOp::layer_norm); !s.ok()) return s;
  const bool bias = a.bias.buffer != nullptr;
  Checks checks;
  checks.size("rows", a.rows, 1, most_groups_);
  checks.size("n", a.n, 1);
  checks.size("the distance of rows of x", a.x_row, a.n);
  checks.size("the distance of rows of y", a.y_row, a.n);
  checks.rows("x", a.x, a.rows, a.x_row, a.n);
  checks.rows("the weight", a.w, 1, a.n, a.n);
  if (bias) checks.rows("the bias", a.bias, 1, a.n, a.n);
  checks.rows("y", a.y, a.rows, a.y_row, a.n);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, w, bias, y;
    uint32_t n, x_row, y_row;
    float epsilon;
    uint32_t steps, unused;
  } push{address_of(a.x), address_of(a.w), address_of(a.bias), address_of(a.y), u32(a.n),
         u32(a.x_row),    u32(a.y_row),    a.epsilon,          bias ? 1u : 0u,  0};
  dispatch(recording, *pipeline_, push, {a.rows, 1});
  return {};
}

Status StepProgram::record(Recording& recording, const ResidualNormsArgs& a) const {
  if (Status s = check_op(StepOp::residual_norms); !s.ok()) return s;
  Checks checks;
  checks.size("rows", a.rows, 1, most_groups_);
  checks.size("n", a.n, 1);
  checks.rows("x", a.x, a.rows, a.n, a.n);
  checks.rows("the weight behind", a.post, 1, a.n, a.n);
  checks.rows("the hidden state", a.hidden, a.rows, a.n, a.n);
  checks.rows("the next weight", a.next, 1, a.n, a.n);
  checks.rows("y", a.y, a.rows, a.n, a.n);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, post, next, hidden, y;
    uint32_t n;
    float epsilon, offset;
    uint32_t unused;
  } push{address_of(a.x),
         address_of(a.post),
         address_of(a.next),
         address_of(a.hidden),
         address_of(a.y),
         u32(a.n),
         a.epsilon,
         a.offset,
         0};
  dispatch(recording, *pipeline_, push, {a.rows, 1});
  return {};
}

Status StepProgram::record(Recording& recording, const ActivateArgs& a) const {
  if (Status s = check_op(StepOp::activate); !s.ok()) return s;
  const bool gated = a.up.buffer != nullptr;
  Checks checks;
  checks.size("rows", a.rows, 1, most_groups_);
  checks.size("n", a.n, 1);
  checks.size("the distance of rows of x", a.x_row, a.n);
  checks.size("the distance of rows of y", a.y_row, a.n);
  checks.rows("x", a.x, a.rows, a.x_row, a.n);
  if (gated) checks.size("the distance of rows of the factor", a.up_row, a.n);
  if (gated) checks.rows("the factor", a.up, a.rows, a.up_row, a.n);
  checks.rows("y", a.y, a.rows, a.y_row, a.n);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, up, y;
    uint32_t n, x_row, up_row, y_row, activation, steps;
  } push{address_of(a.x), address_of(a.up), address_of(a.y), u32(a.n),
         u32(a.x_row),    u32(a.up_row),    u32(a.y_row),    static_cast<uint32_t>(a.function),
         gated ? 1u : 0u};
  dispatch(recording, *pipeline_, push, {ceil_div(a.n, variant_->threads), a.rows});
  return {};
}

Status StepProgram::record(Recording& recording, const PoolArgs& a) const {
  if (Status s = check_op(StepOp::pool); !s.ok()) return s;
  const bool skip = a.skip.buffer != nullptr;
  Checks checks;
  checks.size("texts", a.texts, 1, most_groups_);
  checks.size("tokens", a.tokens, 1);
  checks.size("the width", a.width, 1);
  checks.size("the distance of rows of y", a.y_row, a.width);
  checks.rows("x", a.x, a.tokens, a.width, a.width);
  checks.place("the offsets", a.offsets, (a.texts + 1) * 4);
  if (skip) checks.place("the tokens that are not pooled", a.skip, a.texts * 4);
  checks.rows("y", a.y, a.texts, a.y_row, a.width);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, offsets, skip, y;
    uint32_t tokens, width, y_row, mode, steps, unused;
  } push{address_of(a.x),    address_of(a.offsets),
         address_of(a.skip), address_of(a.y),
         u32(a.tokens),      u32(a.width),
         u32(a.y_row),       static_cast<uint32_t>(a.mode),
         skip ? 1u : 0u,     0};
  dispatch(recording, *pipeline_, push, {ceil_div(a.width, variant_->threads), a.texts});
  return {};
}

Status StepProgram::record(Recording& recording, const NormalizeRowsArgs& a) const {
  if (Status s = check_op(StepOp::normalize_rows); !s.ok()) return s;
  Checks checks;
  checks.size("rows", a.rows, 1, most_groups_);
  checks.size("n", a.n, 1);
  checks.size("the distance of rows of y", a.row, a.n);
  checks.rows("y", a.y, a.rows, a.row, a.n);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t y;
    uint32_t n, row;
  } push{address_of(a.y), u32(a.n), u32(a.row)};
  dispatch(recording, *pipeline_, push, {a.rows, 1});
  return {};
}

}  // namespace lathe::gpu
