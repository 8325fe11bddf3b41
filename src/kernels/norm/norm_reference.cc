#include "kernels/norm/norm_reference.h"

#include <cmath>

namespace lathe::norm {
namespace {

constexpr double kUnit = 0x1p-24;  // the largest relative error of one f32 rounding

// Roundings on the longest path of a sum over 16 lanes and their tree.
double sum_depth(size_t n) { return std::ceil(static_cast<double>(n) / 16) + 4; }

double weight_at(std::span<const float> weight, size_t j) { return weight.empty() ? 1.0 : weight[j]; }

// Relative error of 1 / sqrt(sum / n + eps), where the sum has the relative error `sum_error`: halved by the root, with
// two roundings before it and two after.
double inverse_error(double sum_error) { return (sum_error + 2 * kUnit) / 2 + 2 * kUnit; }

}  // namespace

Reference layer_norm_reference(std::span<const float> s, std::span<const float> weight, std::span<const float> bias,
                               double eps) {
  const size_t n = s.size();
  double sum = 0, magnitudes = 0, squares = 0;
  for (const float v : s) sum += v, magnitudes += std::fabs(v);
  const double mean = sum / static_cast<double>(n);
  for (const float v : s) squares += (v - mean) * (v - mean);
  const double variance = squares / static_cast<double>(n), r = 1 / std::sqrt(variance + eps);

  const double mean_error = (sum_depth(n) + 1) * kUnit * magnitudes / static_cast<double>(n);
  // A wrong mean enters the variance squared (the differences add up to 0), a rounded difference twice.
  const double shift = variance + eps > 0 ? mean_error * mean_error / (variance + eps) : 0;
  const double r_error = inverse_error((sum_depth(n) + 3) * kUnit + shift);

  Reference result;
  for (size_t j = 0; j < n; ++j) {
    const double w = weight_at(weight, j), scaled = (s[j] - mean) * r;
    result.y.push_back(scaled * w + (bias.empty() ? 0.0 : bias[j]));
    const double scaled_error = mean_error * r + std::fabs(scaled) * (r_error + 2 * kUnit);
    result.bound.push_back(1.001 * (std::fabs(w) * scaled_error + kUnit * std::fabs(result.y.back())) + 0x1p-149);
  }
  return result;
}

Reference rms_norm_reference(std::span<const float> s, std::span<const float> weight, double weight_offset,
                             double eps) {
  const size_t n = s.size();
  double squares = 0;
  for (const float v : s) squares += static_cast<double>(v) * v;
  const double r = 1 / std::sqrt(squares / static_cast<double>(n) + eps);
  const double r_error = inverse_error((sum_depth(n) + 1) * kUnit);

  Reference result;
  for (size_t j = 0; j < n; ++j) {
    const double w = weight.empty() ? 1.0 : weight[j] + weight_offset;
    result.y.push_back(s[j] * r * w);
    result.bound.push_back(1.001 * std::fabs(result.y.back()) * (r_error + 3 * kUnit) + 0x1p-149);
  }
  return result;
}

}  // namespace lathe::norm
