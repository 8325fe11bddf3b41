// Attention and its gradient in float64, by the formulas of causal_attention.h with every score stored.
#pragma once

#include <cstdint>
#include <vector>

namespace lathe::attention {

// Row-major: q, y, dy, dq are [length][heads * head_dim], k, v, dk, dv [length][head_dim], lse [heads][length].
struct CausalReference {
  int64_t length = 0, head_dim = 0, heads = 1;
  double scale = 1.0;
  bool causal = true;
  std::vector<double> q = {}, k = {}, v = {}, dy = {};
  std::vector<double> y = {}, lse = {}, dq = {}, dk = {}, dv = {};

  void forward();
  void backward();  // behind forward

 private:
  int64_t seen(int64_t i) const { return causal ? i + 1 : length; }  // keys of query i
};

}  // namespace lathe::attention
