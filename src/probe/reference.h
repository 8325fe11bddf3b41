// What a product should be, in float64, and how far from it an honest implementation may end up.
//
// A sum is expected to err by a random walk of its roundings. With u = 2^-24, u_c of the output's type, and norms of
// row i of A and column j of W, one standard deviation of an output's error is at most
//
//   f32    s = u |a_i| |w_j|              a chain of K fused multiply-adds over operands of zero mean: the partial sums
//                                         grow as sqrt(k), so the roundings add up to 0.4 u |a_i| |w_j|, whatever K is
//   a16    s = that + q |w_j|             q = max|a_i| / 32767 / sqrt(12): a uniform rounding error per activation
//   a7     s = that + q |w_j|             q = 2 max|a_i| / 127 / sqrt(12): a block spans at most twice its largest
//   a16r   s = that + q |w_j|             q = max|a_i| / top / sqrt(12), top = min(32767, (2^31 - 1) / (128 K))
//   b16    s = that + 2^-8 / sqrt(3) |a_i| |w_j|   both operands rounded to 8 bits
//   h16    s = that + 2^-11 / sqrt(3) |a_i| |w_j|  both rounded to 11 bits
//   s32    s = 0                          exact; as f32 one rounding
//
// The epilogue's steps carry s along (an activation's slope is 1.13 at most) and add their own roundings r, at most u
// of the value each, 8 u for an activation, u_c for the store. An output is wrong beyond 16 s + r, and the product as a
// whole where the mean of (error / (s + r))^2 exceeds 2: a term that is missing, doubled or misplaced costs |a||w| / K,
// which is 16 s only for K of a million (f32).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "platform/team.h"
#include "probe/operands.h"

namespace lathe::probe {

enum class Numerics { f32, a16, a8, a7, a16r, b16, h16, s32 };
Numerics numerics_of(std::string_view name);

// An output: where it is, and A * W there in float64 (gated: of its gate and of its up).
struct Point {
  int64_t batch, row, column;
  double sum, sum_up;
};

// A value and how far it may be off, as above.
struct Expected {
  double value = 0, s = 0, r = 0;
  double scale = 0;  // |a_i| |w_j| and what the epilogue adds: what a relative error is relative to
};

class Reference {
 public:
  // Every output where that costs at most kFullProducts, or where the epilogue is not linear at most kCurvedProducts;
  // beyond that whole rows, whole columns, corners and random outputs, and for linear epilogues all of them through a
  // random projection: C * r against A * (W * r), which costs M * N instead of M * N * K.
  static constexpr int64_t kFullProducts = int64_t{1} << 24;
  static constexpr int64_t kCurvedProducts = int64_t{1} << 29;
  static Reference create(const Operands& operands, uint64_t seed, Team& team, int64_t full_products = kFullProducts,
                          int64_t curved_products = kCurvedProducts);

  const std::vector<Point>& points() const { return points_; }
  bool full() const { return full_; }

  // C at `point` after the problem's epilogue.
  Expected expected(const Point& point, Numerics numerics) const;
  // A * W at `point`; of `column` beyond n: the up half.
  Expected expected_plain(const Point& point, int64_t column, Numerics numerics) const;

  // Signs r of the projection, one for each column of `plain`; empty where there is none.
  const std::vector<float>& signs() const { return signs_; }
  // Sum over j of r_j C[row, j]; `plain`: without epilogue. `square`: the sum of squares of that row of C.
  Expected projected(int64_t batch, int64_t row, bool plain, double square, Numerics numerics) const;

 private:
  struct Row {
    double norm = 0, largest = 0;
  };
  explicit Reference(const Operands& operands) : x_(operands) {}
  void measure_norms(Team& team);
  void compute_points(Team& team);
  void choose_points(uint64_t seed);
  void project(uint64_t seed, Team& team);
  Expected plain_sum(int64_t batch, int64_t row, int64_t column, double sum, Numerics numerics) const;
  const Row& row(int64_t batch, int64_t i) const { return rows_[static_cast<size_t>(batch * x_.problem.m + i)]; }
  double column_norm(int64_t batch, int64_t j) const;
  double dot(int64_t batch, int64_t row, int64_t column) const;

  const Operands& x_;
  bool full_ = false;
  std::vector<Row> rows_;             // [batch][m]
  std::vector<double> column_norms_;  // [matrices][columns]
  std::vector<Point> points_;
  std::vector<float> signs_;                  // [columns]
  std::vector<double> sums_, scaled_sums_;    // A * (W * r) per row, plain and with col_scale
  std::vector<double> norms_, scaled_norms_;  // sqrt of the sum of the squares of the column norms, per matrix
};

}  // namespace lathe::probe
