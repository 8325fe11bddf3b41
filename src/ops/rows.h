// Rows picked out of many, for what only some tokens need.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/norm/norm.h"
#include "platform/team.h"

namespace lathe::ops {

// y[i] = norm(x[rows[i]]): the layer norm where there is a bias, else the RMS norm.
// x and y are dense, of n elements a row, without overlap.
struct GatherNorm {
  std::span<const int64_t> rows;
  int64_t n = 0;
  const float* x = nullptr;
  const float* weight = nullptr;
  const float* bias = nullptr;
  float weight_offset = 0;
  float eps = 1e-6f;
  float* y = nullptr;
};
// Every worker takes its share of `rows`. Ends without a barrier.
void gather_norm(const Team::Worker& worker, const norm::Variant& kernel, const GatherNorm& x) noexcept;

}  // namespace lathe::ops
