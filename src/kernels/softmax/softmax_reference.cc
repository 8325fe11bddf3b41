#include "kernels/softmax/softmax_reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lathe::softmax {
namespace {

constexpr double kUnit = 0x1p-24;  // the largest relative error of one f32 rounding
constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

Reference reference(std::span<const float> x, std::span<const float> mask, double scale) {
  const size_t n = x.size();
  std::vector<double> t(n), e_error(n);
  double top = -kInfinity, sum = 0, sum_error = 0;
  for (size_t j = 0; j < n; ++j) {
    t[j] = x[j] * scale + (mask.empty() ? 0.0 : mask[j]);
    top = std::max(top, t[j]);
  }
  Reference result{std::vector<double>(n, 0.0), std::vector<double>(n, 0.0)};
  if (top == -kInfinity) return result;
  for (size_t j = 0; j < n; ++j) {
    if (t[j] == -kInfinity) continue;
    result.y[j] = std::exp(t[j] - top);
    // t, the largest t and their difference were rounded; an absolute error of the argument is a relative one of e.
    // exp itself is within one unit in the last place, two roundings.
    e_error[j] = kUnit * (std::fabs(t[j]) + std::fabs(top) + std::fabs(t[j] - top) + 2);
    sum += result.y[j];
    sum_error += result.y[j] * e_error[j];
  }
  const double depth = std::ceil(static_cast<double>(n) / 16) + 4;
  for (size_t j = 0; j < n; ++j) {
    result.y[j] /= sum;
    const double relative = e_error[j] + sum_error / sum + (depth + 2) * kUnit;
    result.bound[j] = 1.001 * result.y[j] * relative + 0x1p-148;  // subnormal e and y round to a multiple of 2^-149
  }
  return result;
}

}  // namespace lathe::softmax
