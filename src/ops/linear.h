// The products of one weight in training, all three:
//
//   forward   y = x W' (+ bias) (+ residual)      W' is [in,out]: W transposed where it lies as [out,in]
//   input     dx = dy W'^T
//   weight    dW = (accumulate ? dW : 0) + dy^T x, as W lies;  dbias likewise, the sum of dy's rows
//
// Sums over `in`, over `out` and, of the weight, over the rows run in slices, as sliced_product.h has them. dbias is a
// chain over the rows from what stood there. W is packed into panels for `forward` and for `input`: a pass over W,
// which many rows repay.
//
// With weights of bf16_b16 all operands of the three products are rounded to bf16 as they are packed, and the third has
// what stands on its right packed too: x, or dy where W is [in,out].
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/optimizer/optimizer.h"
#include "lathe/status.h"
#include "ops/matmul.h"
#include "ops/sliced_product.h"
#include "platform/team.h"

namespace lathe::ops {

struct LinearShape {
  int64_t rows = 1, in = 1, out = 1;
  matmul::Order order = matmul::Order::nk;  // nk: W is [out,in], kn: [in,out]
  bool bias = false, residual = false;
  matmul::Type weights = matmul::Type::f32;  // or bf16_b16

  bool rounds() const { return weights == matmul::Type::bf16_b16; }
};

// Bytes that hold either packing of an [out,in] weight.
int64_t linear_panel_bytes(int64_t in, int64_t out, matmul::Type weights);

struct LinearPlans {
  LinearShape shape;
  SlicedProduct forward, input, weight;

  static Result<LinearPlans> create(const LinearShape& shape, int workers);
  int64_t workspace_bytes() const;   // of each of the three
  int64_t panel_bytes() const;       // of the panels of forward() or of input()
  int64_t rows_panel_bytes() const;  // of what pack_rows() packs; 0 where weight() reads it where it lies
  double flops() const;              // of each of the three
};

// Every worker packs its share of the panels that forward() or input() read next, behind a barrier.
void pack_forward(const Team::Worker& worker, const LinearShape& shape, const float* w, std::byte* panels) noexcept;
void pack_input(const Team::Worker& worker, const LinearShape& shape, const float* w, std::byte* panels) noexcept;
// Where weight() reads its rows packed.
void pack_rows(const Team::Worker& worker, const LinearShape& shape, const float* x, const float* dy,
               std::byte* panels) noexcept;

// What a product needs beside its rows, which lie one after the other without gaps.
struct LinearOperands {
  const std::byte* panels = nullptr;  // of forward(), of input() or of weight()
  const float* bias = nullptr;
  const float* residual = nullptr;
  std::byte* workspace = nullptr;
  int counter = 0;  // of the worker's, at 0
};
void linear_forward(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* x,
                    float* y) noexcept;
void linear_input(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* dy,
                  float* dx) noexcept;
void linear_weight(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* x,
                   const float* dy, float* dw, bool accumulate) noexcept;
// dbias += the rows of dy. Columns are divided.
void linear_bias(const Team::Worker& worker, const optimizer::Variant& kernel, const LinearShape& shape,
                 const float* dy, float* dbias) noexcept;

}  // namespace lathe::ops
