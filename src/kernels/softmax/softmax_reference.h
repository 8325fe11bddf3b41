// Softmax of one row in float64, and how far an f32 row may be from it.
#pragma once

#include <span>
#include <vector>

#include "kernels/softmax/softmax.h"

namespace lathe::softmax {

struct Reference {
  std::vector<double> y;
  std::vector<double> bound;  // first-order bound of |f32 - y|, from the number of roundings on each path
};

// `mask` is empty where there is none. A row without elements is zeros.
Reference reference(std::span<const float> x, std::span<const float> mask, double scale);

}  // namespace lathe::softmax
