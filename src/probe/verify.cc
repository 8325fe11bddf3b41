#include "probe/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "probe/elements.h"

namespace lathe::probe {

using matmul::Problem;

namespace {

constexpr double kMostDeviations = 16;
constexpr double kMostMeanSquare = 2;
constexpr double kFewOutputs = 64;  // the mean over n outputs may exceed its limit by this over n

class Tally {
 public:
  // `where` is called for the first wrong output only.
  template <class Where>
  void add(double got, const Expected& e, const Where& where) {
    const double error = std::fabs(got - e.value), most = kMostDeviations * e.s + e.r;
    if (!(error <= most) && reason_.empty())  // a NaN is never <=
      reason_ = fmt::format("{} is {:.9g} where {:.9g} is expected, within {:.3g}", where(), got, e.value, most);
    if (!std::isfinite(error)) return;
    if (e.scale > 0) max_rel_ = std::max(max_rel_, error / e.scale);
    squared_error_ += error * error;
    squared_value_ += e.value * e.value;
    if (e.s + e.r > 0) deviations_ += error * error / ((e.s + e.r) * (e.s + e.r));
    ++count_;
  }

  Verdict verdict() const {
    Verdict v;
    v.max_rel = max_rel_;
    v.nmse = squared_value_ > 0 ? squared_error_ / squared_value_ : squared_error_;
    v.reason = reason_;
    const double limit = kMostMeanSquare + kFewOutputs / std::max(1.0, count_);
    if (v.reason.empty() && deviations_ / std::max(1.0, count_) > limit)
      v.reason = fmt::format("errors are {:.1f} times as large as roundings explain (nmse {:.3g})",
                             std::sqrt(deviations_ / count_), v.nmse);
    v.correct = v.reason.empty();
    return v;
  }

 private:
  std::string reason_;
  double max_rel_ = 0, squared_error_ = 0, squared_value_ = 0, deviations_ = 0, count_ = 0;
};

std::string place(int64_t batch, int64_t row, int64_t column) {
  return fmt::format("C[{},{}]{}", row, column, batch == 0 ? "" : fmt::format(" of product {}", batch));
}

// Every output is finite: a projection would say so too, but not where.
template <class Get>
std::string first_not_finite(const Problem& p, int64_t columns, const Get& get) {
  for (int64_t row = 0; row < p.batch * p.m; ++row)
    for (int64_t j = 0; j < columns; ++j)
      if (!std::isfinite(get(row * columns + j)))
        return place(row / p.m, row % p.m, j) + " is not finite: never written, or wrong";
  return "";
}

// Through the signs of the reference's projection.
template <class Get>
void add_projections(const Problem& p, const Reference& reference, bool plain, Numerics numerics, const Get& get,
                     Tally* tally) {
  const std::vector<float>& signs = reference.signs();
  if (signs.empty()) return;
  for (int64_t row = 0; row < p.batch * p.m; ++row) {
    double sum = 0, square = 0;
    for (int64_t j = 0; j < p.n; ++j) {
      const double v = get(row * p.n + j);
      sum += v * double{signs[static_cast<size_t>(j)]};
      square += v * v;
    }
    tally->add(sum, reference.projected(row / p.m, row % p.m, plain, square, numerics),
               [&] { return fmt::format("the projection of row {} of product {}", row % p.m, row / p.m); });
  }
}

template <class Get>
Verdict judge(const Problem& p, const Reference& reference, bool plain, Numerics numerics, int64_t columns,
              const Get& get) {
  if (std::string reason = first_not_finite(p, columns, get); !reason.empty()) return {false, reason, 0, 0};
  Tally tally;
  for (const Point& point : reference.points()) {
    const auto check = [&](int64_t column, const Expected& e) {
      tally.add(get((point.batch * p.m + point.row) * columns + column), e,
                [&] { return place(point.batch, point.row, column); });
    };
    if (!plain) {
      check(point.column, reference.expected(point, numerics));
    } else {
      for (int64_t j = point.column; j < columns; j += p.n) check(j, reference.expected_plain(point, j, numerics));
    }
  }
  add_projections(p, reference, plain, numerics, get, &tally);
  return tally.verdict();
}

}  // namespace

Verdict verify(const Operands& x, const Reference& reference, Numerics numerics) {
  const Problem& p = x.problem;
  Verdict verdict =
      judge(p, reference, false, numerics, p.n, [&](int64_t i) { return load_element(p.c, x.c.data(), i); });
  if (verdict.correct && !x.guard_intact()) return {false, "wrote beyond the end of C", verdict.max_rel, verdict.nmse};
  return verdict;
}

Verdict verify_plain(const Operands& x, const Reference& reference) {
  return judge(x.problem, reference, true, Numerics::f32, x.w->key().columns(),
               [&](int64_t i) { return double{x.plain.as<float>()[i]}; });
}

uint64_t hash_of_c(const Operands& x) {
  const int64_t bytes = x.c_elements() * element_bytes(x.problem.c);
  uint64_t hash = 0x9e3779b97f4a7c15u;
  for (int64_t at = 0; at < bytes; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, x.c.data() + at, static_cast<size_t>(std::min<int64_t>(8, bytes - at)));
    hash = (hash ^ word) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
  }
  return hash;
}

}  // namespace lathe::probe
