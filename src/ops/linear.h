// The products of one weight in training, all three:
//
//   forward   y = x W' (+ bias) (+ residual)      W' is [in,out]: W transposed where it lies as [out,in]
//   input     dx = dy W'^T
//   weight    dW = (accumulate ? dW : 0) + dy^T x, as W lies;  dbias likewise, the sum of dy's rows
//
// Sums over `in`, over `out` and, of the weight, over the rows run in slices, as sliced_product.h has them. dbias is a
// chain over the rows from what stood there. W is packed into panels for `forward` and for `input`: a pass over W,
// which many rows repay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

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
  // Whether W is packed into panels for `forward` and for `input`: a pass over W, which many rows repay. Else it is
  // read where it lies, for weights of which two copies are too many and few rows at a time.
  bool packed = true;
};

// Bytes of either packing of an [out,in] weight, and the packing as its products read it. The panels outlive it.
int64_t linear_panel_bytes(int64_t in, int64_t out);
std::vector<Weights> forward_panels(int64_t in, int64_t out, std::byte* panels);
std::vector<Weights> input_panels(int64_t in, int64_t out, std::byte* panels);

struct LinearPlans {
  LinearShape shape;
  SlicedProduct forward, input, weight;

  static Result<LinearPlans> create(const LinearShape& shape, int workers);
  int64_t workspace_bytes() const;  // of each of the three
  double flops() const;             // of each of the three
};

// Every worker packs its share of the panels that forward() or input() read next, behind a barrier.
void pack_forward(const Team::Worker& worker, const LinearShape& shape, const float* w, std::byte* panels) noexcept;
void pack_input(const Team::Worker& worker, const LinearShape& shape, const float* w, std::byte* panels) noexcept;

// What a product needs beside its rows, which lie one after the other without gaps.
struct LinearOperands {
  const std::vector<Weights>* panels = nullptr;  // of forward() or of input()
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
