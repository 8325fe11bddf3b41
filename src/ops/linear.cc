#include "ops/linear.h"

#include <algorithm>
#include <memory>
#include <utility>

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

// Bytes of the panels of `k` of n columns.
int64_t panels_bytes(int64_t n, int64_t k) {
  return ceil_div(n, matmul::kPanel) * matmul::panel_bytes(Layout::panel_f32, k);
}

// Panels of slice after slice.
void pack(const Team::Worker& worker, const float* w, int64_t ld, Order order, int64_t n, int64_t k,
          std::byte* panels) {
  const KSlices slices(k);
  const int64_t each = ceil_div(n, matmul::kPanel);
  const Share share(worker, each * slices.count);
  for (int64_t i = share.begin; i < share.end; ++i) {
    const int64_t first = slices.begin(i / each), panel = i % each;
    const int64_t size = std::min(slices.each, k - first);
    const Source source = {.order = order, .data = w + (order == Order::nk ? first : first * ld), .ld = ld};
    matmul::pack_panel(Layout::panel_f32, source, n, size, panel,
                       panels + panels_bytes(n, first) + panel * matmul::panel_bytes(Layout::panel_f32, size));
  }
}

std::vector<Weights> views(int64_t n, int64_t k, std::byte* panels) {
  const KSlices slices(k);
  const std::shared_ptr<const void> lent(std::shared_ptr<const void>(), panels);  // nobody need own them
  std::vector<Weights> made;
  for (int64_t i = 0; i < slices.count; ++i) {
    const int64_t first = slices.begin(i), size = std::min(slices.each, k - first);
    const std::span<const std::byte> bytes(panels + panels_bytes(n, first), static_cast<size_t>(panels_bytes(n, size)));
    made.push_back(Weights::over(bytes, n, size, false, Layout::panel_f32, lent));
  }
  return made;
}

SlicedOperands operands(const LinearOperands& o, const float* a, int64_t lda, float* c, int64_t ldc) {
  SlicedOperands x;
  x.a = a;
  x.lda = lda;
  x.panels = o.panels;
  x.c = c;
  x.ldc = ldc;
  return x;
}

}  // namespace

int64_t linear_panel_bytes(int64_t in, int64_t out) { return std::max(panels_bytes(out, in), panels_bytes(in, out)); }
std::vector<Weights> forward_panels(int64_t in, int64_t out, std::byte* panels) { return views(out, in, panels); }
std::vector<Weights> input_panels(int64_t in, int64_t out, std::byte* panels) { return views(in, out, panels); }

Result<LinearPlans> LinearPlans::create(const LinearShape& s, int workers) {
  LinearPlans plans;
  plans.shape = s;
  Problem forward{.m = s.rows, .n = s.out, .k = s.in, .order = s.order};
  forward.bias = s.bias;
  forward.residual = s.residual;
  const Problem input{.m = s.rows, .n = s.in, .k = s.out, .order = other(s.order)};
  // [out,in] += dy^T x, or [in,out] += x^T dy.
  const bool nk = s.order == Order::nk;
  const Problem weight{.m = nk ? s.out : s.in,
                       .n = nk ? s.in : s.out,
                       .k = s.rows,
                       .order = Order::kn,
                       .a_transposed = true,
                       .prepared = false};
  const struct {
    const Problem& problem;
    SlicedProduct& product;
  } all[] = {{forward, plans.forward}, {input, plans.input}, {weight, plans.weight}};
  for (const auto& each : all) {
    auto product = SlicedProduct::create(each.problem, workers);
    if (!product) return product.status();
    each.product = std::move(*product);
  }
  return plans;
}

int64_t LinearPlans::workspace_bytes() const {
  return std::max({forward.workspace_bytes(), input.workspace_bytes(), weight.workspace_bytes()});
}

double LinearPlans::flops() const { return cost(input.problem()).flops; }

void pack_forward(const Team::Worker& worker, const LinearShape& s, const float* w, std::byte* panels) noexcept {
  pack(worker, w, stride(s), s.order, s.out, s.in, panels);
}

void pack_input(const Team::Worker& worker, const LinearShape& s, const float* w, std::byte* panels) noexcept {
  pack(worker, w, stride(s), other(s.order), s.in, s.out, panels);
}

void linear_forward(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* x,
                    float* y) noexcept {
  const LinearShape& s = plans.shape;
  SlicedOperands product = operands(o, x, s.in, y, s.out);
  product.bias = o.bias;
  product.residual = o.residual;
  plans.forward.run(worker, product, o.workspace, o.counter);
}

void linear_input(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* dy,
                  float* dx) noexcept {
  const LinearShape& s = plans.shape;
  plans.input.run(worker, operands(o, dy, s.out, dx, s.in), o.workspace, o.counter);
}

void linear_weight(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* x,
                   const float* dy, float* dw, bool accumulate) noexcept {
  const LinearShape& s = plans.shape;
  const bool nk = s.order == Order::nk;
  SlicedOperands product;
  product.a = nk ? dy : x;
  product.lda = nk ? s.out : s.in;
  product.w = nk ? x : dy;
  product.ldw = nk ? s.in : s.out;
  product.c = dw;
  product.ldc = product.ldw;
  product.accumulate = accumulate;
  plans.weight.run(worker, product, o.workspace, o.counter);
}

void linear_bias(const Team::Worker& worker, const optimizer::Variant& kernel, const LinearShape& s, const float* dy,
                 float* dbias) noexcept {
  const ColumnShare share(worker, s.out);
  for (int64_t row = 0; row < s.rows; ++row)
    kernel.add(dbias + share.begin, dy + row * s.out + share.begin, share.end - share.begin);
}

}  // namespace lathe::ops
