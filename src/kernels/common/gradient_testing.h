// For the tests of gradients: the derivative of a float64 reference by central differences, which knows nothing of the
// formula it checks, and the measure of a whole tensor.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "kernels/common/row_testing.h"

namespace lathe::kernels::testing {

// d loss() / d x[i] for every i, where loss reads x. The error of a step h is about h^2 in the formula and 1e-16 / h in
// the difference of two losses, so good to 1e-9 where values are of the order of 1.
template <class Loss>
std::vector<double> central_differences(std::vector<double>& x, Loss loss) {
  constexpr double kStep = 1e-5;
  std::vector<double> slopes;
  for (double& value : x) {
    const double at = value;
    value = at + kStep;
    const double above = loss();
    value = at - kStep;
    const double below = loss();
    value = at;
    slopes.push_back((above - below) / (2 * kStep));
  }
  return slopes;
}

inline std::vector<double> doubles(Rows& rows) {
  std::vector<double> all;
  rows.for_each([&](int64_t i, int64_t j) {
    all.push_back(rows.at(i, j));
    return rows.at(i, j);
  });
  return all;
}

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// |found - exact| of every element against the largest |exact|, or 1: gradients that cancel have the error of their
// terms.
inline void expect_close(const std::vector<double>& found, const std::vector<double>& exact, double relative,
                         std::string_view what) {
  ASSERT_EQ(found.size(), exact.size()) << what;
  double scale = 1.0;
  for (const double value : exact) scale = std::max(scale, std::fabs(value));
  for (size_t i = 0; i < found.size(); ++i)
    ASSERT_NEAR(found[i], exact[i], relative * scale) << what << ", element " << i << " of " << found.size();
}

}  // namespace lathe::kernels::testing
