#include "kernels/attention/causal_attention_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lathe::attention {
namespace {

double dot(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

void add(double* to, double factor, const double* x, int64_t n) {
  for (int64_t i = 0; i < n; ++i) to[i] += factor * x[i];
}

}  // namespace

void CausalReference::forward() {
  y.assign(q.size(), 0.0);
  lse.assign(static_cast<size_t>(heads * length), 0.0);
  std::vector<double> s(static_cast<size_t>(length));
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < length; ++i) {
      const int64_t at = (i * heads + h) * head_dim;
      double top = -std::numeric_limits<double>::infinity(), sum = 0;
      for (int64_t j = 0; j < seen(i); ++j) {
        s[static_cast<size_t>(j)] = scale * dot(q.data() + at, k.data() + j * head_dim, head_dim);
        top = std::max(top, s[static_cast<size_t>(j)]);
      }
      for (int64_t j = 0; j < seen(i); ++j) sum += std::exp(s[static_cast<size_t>(j)] - top);
      for (int64_t j = 0; j < seen(i); ++j)
        add(y.data() + at, std::exp(s[static_cast<size_t>(j)] - top) / sum, v.data() + j * head_dim, head_dim);
      lse[static_cast<size_t>(h * length + i)] = top + std::log(sum);
    }
}

void CausalReference::backward() {
  dq.assign(q.size(), 0.0);
  dk.assign(k.size(), 0.0);
  dv.assign(v.size(), 0.0);
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < length; ++i) {
      const int64_t at = (i * heads + h) * head_dim;
      const double delta = dot(dy.data() + at, y.data() + at, head_dim);
      for (int64_t j = 0; j < seen(i); ++j) {
        const int64_t key = j * head_dim;
        const double p =
            std::exp(scale * dot(q.data() + at, k.data() + key, head_dim) - lse[static_cast<size_t>(h * length + i)]);
        const double ds = p * (dot(dy.data() + at, v.data() + key, head_dim) - delta) * scale;
        add(dv.data() + key, p, dy.data() + at, head_dim);
        add(dq.data() + at, ds, k.data() + key, head_dim);
        add(dk.data() + key, ds, q.data() + at, head_dim);
      }
    }
}

}  // namespace lathe::attention
