#include "kernels/activation/activation_reference.h"

#include <cmath>
#include <limits>
#include <numbers>

namespace lathe::activation {
namespace {

// 1 / (1 + e^-x) without overflow on either side.
double sigmoid(double x) {
  const double e = std::exp(-std::fabs(x));
  return (x < 0 ? e : 1.0) / (1.0 + e);
}

// x * gate, where the gate falls to 0 faster than x grows.
double gate(double x, double factor) { return x == -std::numeric_limits<double>::infinity() ? -0.0 : x * factor; }

}  // namespace

double reference(Function function, double x) {
  switch (function) {
    case Function::relu:
      return x > 0 || std::isnan(x) ? x : 0.0;
    case Function::silu:
      return gate(x, sigmoid(x));
    case Function::gelu_erf:
      return gate(x, 0.5 * std::erfc(-x * std::numbers::sqrt2 / 2));
    case Function::gelu_tanh:
      return gate(x, sigmoid(2 * std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Function::tanh:
      return std::tanh(x);
    case Function::sigmoid:
      return sigmoid(x);
    case Function::erf:
      return std::erf(x);
    case Function::exp:
      return std::exp(x);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

double reference_slope(Function function, double x) {
  const double near = std::fmax(-1e3, std::fmin(1e3, x));  // where every slope has its limit, and no infinity times 0
  switch (function) {
    case Function::relu:
      return x > 0 ? 1.0 : 0.0;
    case Function::silu:
      return sigmoid(near) * (1 + near * sigmoid(-near));
    case Function::gelu_erf:
      return 0.5 * std::erfc(-near * std::numbers::sqrt2 / 2) +
             near * std::exp(-near * near / 2) / std::sqrt(2 * std::numbers::pi);
    case Function::gelu_tanh: {
      const double slope = 2 * std::sqrt(2 / std::numbers::pi);
      const double s = sigmoid(slope * (near + 0.044715 * near * near * near));
      const double rest = sigmoid(-slope * (near + 0.044715 * near * near * near));
      return s + near * s * rest * slope * (1 + 3 * 0.044715 * near * near);
    }
    case Function::tanh:
      return 1 / (std::cosh(near) * std::cosh(near));
    case Function::sigmoid:
      return sigmoid(x) * sigmoid(-x);
    case Function::erf:
      return 2 / std::sqrt(std::numbers::pi) * std::exp(-x * x);
    case Function::exp:
      return std::exp(x);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

}  // namespace lathe::activation
