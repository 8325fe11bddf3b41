#include "ops/linear.h"

#include <algorithm>
#include <utility>

#include "ops/share.h"

namespace lathe::ops {

using matmul::Order;
using matmul::Problem;
using matmul::Source;
using matmul::Type;

namespace {

Order other(Order order) { return order == Order::nk ? Order::kn : Order::nk; }

int64_t stride(const LinearShape& s) { return s.order == Order::nk ? s.in : s.out; }

SlicedPanels forward_panels(const LinearShape& s) { return {s.out, s.in, s.weights}; }
SlicedPanels input_panels(const LinearShape& s) { return {s.in, s.out, s.weights}; }
SlicedPanels rows_panels(const LinearShape& s) { return {s.order == Order::nk ? s.in : s.out, s.rows, s.weights}; }

// Panels [begin, end) of a slice. Of a [K,N] weight some side by side, 32 k at a time: a panel alone is a line of each
// row, and every one of them on a page of its own (stories110M's packing took three times as long).
void pack_panels(const Source& slice, const SlicedPanels& p, int64_t size, int64_t begin, int64_t end,
                 std::byte* panels) {
  const int64_t each = matmul::panel_bytes(p.layout(), size);
  if (slice.order == Order::nk) {
    for (int64_t i = begin; i < end; ++i) matmul::pack_panel(p.layout(), slice, p.n, size, i, panels + i * each);
    return;
  }
  constexpr int64_t kSide = 8, kStep = matmul::kBlock;
  const int64_t step_bytes = matmul::panel_bytes(p.layout(), kStep);
  for (int64_t first = begin; first < end; first += kSide)
    for (int64_t k = 0; k < size; k += kStep) {
      Source part = slice;
      part.data = static_cast<const float*>(slice.data) + k * slice.ld;
      for (int64_t i = first; i < std::min(first + kSide, end); ++i)
        matmul::pack_panel(p.layout(), part, p.n, std::min(kStep, size - k), i,
                           panels + i * each + k / kStep * step_bytes);
    }
}

void pack(const Team::Worker& worker, const float* w, int64_t ld, Order order, const SlicedPanels& p,
          std::byte* panels) {
  const Share share(worker, p.count());
  for (int64_t slice = 0; slice < p.slices.count; ++slice) {
    const int64_t first = p.slices.begin(slice);
    const Source source = {.order = order, .data = w + (order == Order::nk ? first : first * ld), .ld = ld};
    pack_panels(source, p, p.size(slice), share.begin, share.end, panels + p.begin(slice));
  }
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

int64_t linear_panel_bytes(int64_t in, int64_t out, Type weights) {
  return std::max(SlicedPanels{out, in, weights}.bytes(), SlicedPanels{in, out, weights}.bytes());
}

Result<LinearPlans> LinearPlans::create(const LinearShape& s, int workers) {
  LinearPlans plans;
  plans.shape = s;
  Problem forward{.m = s.rows, .n = s.out, .k = s.in, .w = s.weights, .order = s.order};
  forward.bias = s.bias;
  forward.residual = s.residual;
  const Problem input{.m = s.rows, .n = s.in, .k = s.out, .w = s.weights, .order = other(s.order)};
  // [out,in] += dy^T x, or [in,out] += x^T dy.
  const bool nk = s.order == Order::nk;
  const Problem weight{.m = nk ? s.out : s.in,
                       .n = nk ? s.in : s.out,
                       .k = s.rows,
                       .w = s.weights,
                       .order = Order::kn,
                       .a_transposed = true,
                       .prepared = s.rounds()};
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

int64_t LinearPlans::panel_bytes() const { return linear_panel_bytes(shape.in, shape.out, shape.weights); }
int64_t LinearPlans::rows_panel_bytes() const { return shape.rounds() ? rows_panels(shape).bytes() : 0; }

double LinearPlans::flops() const { return cost(input.problem()).flops; }

void pack_forward(const Team::Worker& worker, const LinearShape& s, const float* w, std::byte* panels) noexcept {
  pack(worker, w, stride(s), s.order, forward_panels(s), panels);
}

void pack_input(const Team::Worker& worker, const LinearShape& s, const float* w, std::byte* panels) noexcept {
  pack(worker, w, stride(s), other(s.order), input_panels(s), panels);
}

void pack_rows(const Team::Worker& worker, const LinearShape& s, const float* x, const float* dy,
               std::byte* panels) noexcept {
  const SlicedPanels rows = rows_panels(s);
  pack(worker, s.order == Order::nk ? x : dy, rows.n, Order::kn, rows, panels);
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
  product.panels = o.panels;
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
