// Normalisation of one row in float64, and how far an f32 row may be from it.
#pragma once

#include <span>
#include <vector>

#include "kernels/norm/norm.h"

namespace lathe::norm {

struct Reference {
  std::vector<double> y;
  std::vector<double> bound;  // first-order bound of |f32 - y|, from the number of roundings on each path
};

// `s` is the row after the residual, `weight` and `bias` empty where absent.
Reference layer_norm_reference(std::span<const float> s, std::span<const float> weight, std::span<const float> bias,
                               double eps);
Reference rms_norm_reference(std::span<const float> s, std::span<const float> weight, double weight_offset, double eps);

}  // namespace lathe::norm
