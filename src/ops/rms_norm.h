// RMS norms of rows, alone and around a residual stream, and activations. Every worker takes its share of the rows. All
// end without a barrier.
#pragma once

#include <cstdint>

#include "kernels/activation/activation.h"
#include "kernels/norm/norm.h"
#include "platform/team.h"

namespace lathe::ops {

void rms_norm(const Team::Worker& worker, const norm::Variant& kernel, norm::Args args) noexcept;

// hidden += rms_norm(x) * post;  y = rms_norm(hidden) * next        all [rows, n], dense; y may be x
struct ResidualNorms {
  int64_t rows = 0, n = 0;
  const float* x = nullptr;
  const float* post = nullptr;  // [n]
  float* hidden = nullptr;
  const float* next = nullptr;  // [n]
  float weight_offset = 0;      // norm::Args::weight_offset of both
  float eps = 1e-6f;
  float* y = nullptr;
};
void residual_norms(const Team::Worker& worker, const norm::Variant& kernel, const ResidualNorms& x) noexcept;

void activate(const Team::Worker& worker, const activation::Variant& kernel, activation::Function function,
              activation::ApplyArgs args) noexcept;
void gate(const Team::Worker& worker, const activation::Variant& kernel, activation::Function function,
          activation::GatedArgs args) noexcept;

}  // namespace lathe::ops
