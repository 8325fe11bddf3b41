#include "kernels/norm/norm_backward_reference.h"

#include <cmath>

namespace lathe::norm {
namespace {

struct Statistics {
  double mean = 0, r = 0;
};

Statistics statistics(const double* x, const BackwardReference& a) {
  const double n = static_cast<double>(a.n);
  Statistics s;
  double squares = 0;
  for (int64_t j = 0; a.centred && j < a.n; ++j) s.mean += x[j] / n;
  for (int64_t j = 0; j < a.n; ++j) squares += (x[j] - s.mean) * (x[j] - s.mean);
  s.r = 1 / std::sqrt(squares / n + a.eps);
  return s;
}

double weight_at(const BackwardReference& a, int64_t j) {
  return a.weight.empty() ? 1.0 : a.weight[static_cast<size_t>(j)] + a.weight_offset;
}

}  // namespace

void BackwardReference::forward() {
  y.assign(x.size(), 0.0);
  for (int64_t i = 0; i < rows; ++i) {
    const double* row = x.data() + i * n;
    const Statistics s = statistics(row, *this);
    for (int64_t j = 0; j < n; ++j)
      y[static_cast<size_t>(i * n + j)] =
          (row[j] - s.mean) * s.r * weight_at(*this, j) + (bias.empty() ? 0.0 : bias[static_cast<size_t>(j)]);
  }
}

void BackwardReference::backward() {
  dx.assign(x.size(), 0.0);
  dweight.assign(static_cast<size_t>(n), 0.0);
  dbias.assign(static_cast<size_t>(n), 0.0);
  for (int64_t i = 0; i < rows; ++i) {
    const double* row = x.data() + i * n;
    const double* gradient = dy.data() + i * n;
    const Statistics s = statistics(row, *this);
    double sum_g = 0, sum_gh = 0;
    for (int64_t j = 0; j < n; ++j) {
      const double h = (row[j] - s.mean) * s.r, g = gradient[j] * weight_at(*this, j);
      sum_g += centred ? g : 0.0, sum_gh += g * h;
      dweight[static_cast<size_t>(j)] += gradient[j] * h;
      dbias[static_cast<size_t>(j)] += gradient[j];
    }
    for (int64_t j = 0; j < n; ++j) {
      const double h = (row[j] - s.mean) * s.r, g = gradient[j] * weight_at(*this, j), count = static_cast<double>(n);
      dx[static_cast<size_t>(i * n + j)] = s.r * (g - sum_g / count - h * (sum_gh / count));
    }
  }
}

}  // namespace lathe::norm
