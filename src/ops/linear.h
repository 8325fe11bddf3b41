// The products of one weight in training, all three:
//
//   forward   y = x W' (+ bias) (+ residual)      W' is [in,out]: W transposed where it lies as [out,in]
//   input     dx = dy W'^T
//   weight    dW = (accumulate ? dW : 0) + dy^T x, as W lies;  dbias likewise, the sum of dy's rows
//
// ORDER OF ADDITION. Each output is one chain over k ascending (matmul.h): over `in`, over `out`, and of the weight
// over the rows, beginning at 0; what stood in dW is added behind it. dbias is a chain over the rows from what stood
// there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/optimizer/optimizer.h"
#include "lathe/status.h"
#include "ops/matmul.h"
#include "platform/team.h"

namespace lathe::ops {

struct LinearShape {
  int64_t rows = 1, in = 1, out = 1;
  matmul::Order order = matmul::Order::nk;  // nk: W is [out,in], kn: [in,out]
  bool bias = false, residual = false;
  // Whether W is packed into panels for `forward` and for `input`; else it is read where it lies. A pass over W, which
  // many rows repay (docs/train.md has the measurement).
  bool packed = true;
};

// Bytes of the panels of either packing of an [out,in] weight.
int64_t linear_panel_bytes(int64_t in, int64_t out);

struct LinearPlans {
  LinearShape shape;
  MatmulPlan forward, input, weight;

  static Result<LinearPlans> create(const LinearShape& shape, int workers);
  int64_t workspace_bytes() const;  // of each of the three
};

// Every worker packs its share of the panels that forward() or input() read next, behind a barrier.
void pack_forward(const Team::Worker& worker, const LinearShape& shape, const float* w, std::byte* panels) noexcept;
void pack_input(const Team::Worker& worker, const LinearShape& shape, const float* w, std::byte* panels) noexcept;

// Rows lie one after the other, without gaps. What is not packed has no panels.
struct LinearOperands {
  const float* w = nullptr;
  const Weights* panels = nullptr;
  const float* bias = nullptr;
  const float* residual = nullptr;
  std::byte* workspace = nullptr;
};
void linear_forward(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* x,
                    float* y) noexcept;
void linear_input(Team::Worker& worker, const LinearPlans& plans, const LinearOperands& o, const float* dy,
                  float* dx) noexcept;
void linear_weight(Team::Worker& worker, const LinearPlans& plans, const float* x, const float* dy, float* dw,
                   bool accumulate, std::byte* workspace) noexcept;
// dbias += the rows of dy. Columns are divided.
void linear_bias(const Team::Worker& worker, const optimizer::Variant& kernel, const LinearShape& shape,
                 const float* dy, float* dbias) noexcept;

}  // namespace lathe::ops
