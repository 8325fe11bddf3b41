// Normalisation of rows and its gradients in float64, by the formulas of norm_backward.h.
#pragma once

#include <cstdint>
#include <vector>

namespace lathe::norm {

// Row-major; `weight` empty where absent. `bias` is read by layer_norm only.
struct BackwardReference {
  bool centred = false;  // layer_norm
  int64_t rows = 0, n = 0;
  double eps = 1e-5, weight_offset = 0.0;
  std::vector<double> x = {}, dy = {}, weight = {}, bias = {};
  std::vector<double> y = {}, dx = {}, dweight = {}, dbias = {};

  void forward();
  void backward();
};

}  // namespace lathe::norm
