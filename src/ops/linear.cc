#include "ops/linear.h"

#include <algorithm>

#include "base/checked.h"
#include "ops/share.h"

namespace lathe::ops {

using matmul::Layout;
using matmul::Order;
using matmul::Problem;
using matmul::Source;

namespace {

Order other(Order order) { return order == Order::nk ? Order::kn : Order::nk; }

int64_t stride(const LinearShape& s) { return s.order == Order::nk ? s.in : s.out; }

int64_t panels_bytes(int64_t n, int64_t k) {
  return ceil_div(n, matmul::kPanel) * matmul::panel_bytes(Layout::panel_f32, k);
}

void pack(const Team::Worker& worker, const float* w, int64_t ld, Order order, int64_t n, int64_t k,
          std::byte* panels) {
  const Source source = {.order = order, .data = w, .ld = ld};
  const int64_t each = matmul::panel_bytes(Layout::panel_f32, k);
  const Share share(worker, ceil_div(n, matmul::kPanel));
  for (int64_t panel = share.begin; panel < share.end; ++panel)
    matmul::pack_panel(Layout::panel_f32, source, n, k, panel, panels + panel * each);
}

MatmulOperands operands(const LinearShape& s, const LinearOperands& o, const float* a, int64_t lda, float* c,
                        int64_t ldc) {
  MatmulOperands x;
  x.a = a;
  x.lda = lda;
  x.weights = s.packed ? o.panels : nullptr;
  x.w = o.w;
  x.ldw = stride(s);
  x.c = c;
  x.ldc = ldc;
  return x;
}

}  // namespace

int64_t linear_panel_bytes(int64_t in, int64_t out) { return std::max(panels_bytes(out, in), panels_bytes(in, out)); }

Result<LinearPlans> LinearPlans::create(const LinearShape& s, int workers) {
  LinearPlans plans;
  plans.shape = s;
  Problem forward{.m = s.rows, .n = s.out, .k = s.in, .order = s.order, .prepared = s.packed};
  forward.bias = s.bias;
  forward.residual = s.residual;
  const Problem input{.m = s.rows, .n = s.in, .k = s.out, .order = other(s.order), .prepared = s.packed};
  // [out,in] += dy^T x, or [in,out] += x^T dy.
  const bool nk = s.order == Order::nk;
  const Problem weight{.m = nk ? s.out : s.in,
                       .n = nk ? s.in : s.out,
                       .k = s.rows,
                       .order = Order::kn,
                       .a_transposed = true,
                       .prepared = false,
                       .accumulate = true};
  const struct {
    const Problem& problem;
    MatmulPlan& plan;
  } all[] = {{forward, plans.forward}, {input, plans.input}, {weight, plans.weight}};
  for (const auto& each : all) {
    auto plan = MatmulPlan::create(each.problem, nullptr, workers);
    if (!plan) return plan.status();
    each.plan = std::move(*plan);
  }
  return plans;
}

int64_t LinearPlans::workspace_bytes() const {
  return std::max({forward.workspace_bytes(), input.workspace_bytes(), weight.workspace_bytes()});
}

void pack_forward(const Team::Worker& worker, const LinearShape& s, const float* w, std::byte* panels) noexcept {
  pack(worker, w, stride(s), s.order, s.out, s.in, panels);
}

void pack_input(const Team::Worker& worker, const LinearShape& s, const float* w, std::byte* panels) noexcept {
  pack(worker, w, stride(s), other(s.order), s.in, s.out, panels);
}

void linear_forward(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* x,
                    float* y) noexcept {
  const LinearShape& s = plans.shape;
  MatmulOperands product = operands(s, o, x, s.in, y, s.out);
  product.epilogue.bias = o.bias;
  product.epilogue.residual = o.residual;
  product.epilogue.residual_ld = s.out;
  plans.forward.run(worker, product, o.workspace);
}

void linear_input(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* dy,
                  float* dx) noexcept {
  const LinearShape& s = plans.shape;
  plans.input.run(worker, operands(s, o, dy, s.out, dx, s.in), o.workspace);
}

void linear_weight(Team::Worker& worker, const LinearPlans& plans, const float* x, const float* dy, float* dw,
                   bool accumulate, std::byte* workspace) noexcept {
  const LinearShape& s = plans.shape;
  const bool nk = s.order == Order::nk;
  MatmulOperands product;
  product.a = nk ? dy : x;
  product.lda = nk ? s.out : s.in;
  product.w = nk ? x : dy;
  product.ldw = nk ? s.in : s.out;
  product.c = dw;
  product.ldc = product.ldw;
  product.epilogue.beta = accumulate ? 1.0f : 0.0f;
  plans.weight.run(worker, product, workspace);
}

void linear_bias(const Team::Worker& worker, const optimizer::Variant& kernel, const LinearShape& s, const float* dy,
                 float* dbias) noexcept {
  const ColumnShare share(worker, s.out);
  for (int64_t row = 0; row < s.rows; ++row)
    kernel.add(dbias + share.begin, dy + row * s.out + share.begin, share.end - share.begin);
}

}  // namespace lathe::ops
