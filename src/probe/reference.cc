#include "probe/reference.h"

#include <algorithm>
#include <cmath>

#include "probe/random.h"

namespace lathe::probe {

using matmul::Activation;
using matmul::Order;
using matmul::Problem;
using matmul::Type;

namespace {

constexpr double kU = 0x1p-24;
constexpr int64_t kMostPoints = int64_t{1} << 23;  // 40 bytes each

double unit_roundoff(Type type) { return type == Type::bf16 ? 0x1p-8 : type == Type::f16 ? 0x1p-11 : kU; }

double activate(Activation act, double v) {
  switch (act) {
    case Activation::none:
      return v;
    case Activation::relu:
      return v > 0 ? v : 0;
    case Activation::gelu_erf:
      return 0.5 * v * (1 + std::erf(v * std::sqrt(0.5)));
    case Activation::gelu_tanh:
      return 0.5 * v * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (v + 0.044715 * v * v * v)));
    case Activation::silu:
      return v / (1 + std::exp(-v));
  }
  return v;
}

// An activation's error follows that of its argument, and has its own near |v| (1 + erf cancels for negative v).
void apply_activation(Activation act, Expected* e) {
  if (act == Activation::none) return;
  const double largest = std::fabs(e->value);
  e->value = activate(act, e->value);
  e->s *= 1.13;
  e->r = 1.13 * e->r + 8 * kU * largest;
}

void add(double term, Expected* e) {
  e->value += term;
  e->scale += std::fabs(term);
  e->r += kU * std::fabs(e->value);
}

bool is_linear(const Problem& p) { return p.act == Activation::none && !p.gated; }

}  // namespace

Numerics numerics_of(std::string_view name) {
  if (name == "a16") return Numerics::a16;
  if (name == "a8") return Numerics::a8;
  if (name == "a7") return Numerics::a7;
  if (name == "a16r") return Numerics::a16r;
  if (name == "b16") return Numerics::b16;
  return name == "s32" ? Numerics::s32 : Numerics::f32;
}

Reference Reference::create(const Operands& operands, uint64_t seed, Team& team, int64_t full_products,
                            int64_t curved_products) {
  Reference reference(operands);
  const Problem& p = operands.problem;
  const int64_t columns = operands.w->key().columns();
  const double products = static_cast<double>(p.batch * p.m) * static_cast<double>(columns * p.k);
  // With a row or two the projection costs as much as the product.
  const bool cheap = products <= static_cast<double>(is_linear(p) ? full_products : curved_products) ||
                     (is_linear(p) && p.batch * p.m <= 2 && full_products > 0);
  reference.full_ = cheap && operands.c_elements() <= kMostPoints;
  reference.measure_norms(team);
  reference.choose_points(seed);
  reference.compute_points(team);
  if (!reference.full_ && is_linear(p)) reference.project(seed, team);
  return reference;
}

double Reference::column_norm(int64_t batch, int64_t j) const {
  const WeightKey& key = x_.w->key();
  return column_norms_[static_cast<size_t>((key.matrices > 1 ? batch : 0) * key.columns() + j)];
}

void Reference::measure_norms(Team& team) {
  const Problem& p = x_.problem;
  const WeightKey& key = x_.w->key();
  const int64_t rows = p.batch * p.m, columns = key.columns();
  rows_.resize(static_cast<size_t>(rows));
  column_norms_.resize(static_cast<size_t>(key.matrices * columns));
  const float* w = x_.w->values();
  team.run([&](Team::Worker& worker) {
    const auto share = [&](int64_t count, int part) { return count * (worker.id() + part) / worker.count(); };
    for (int64_t i = share(rows, 0); i < share(rows, 1); ++i) {
      const float* a = x_.a_floats() + i / p.m * p.m * p.k;
      double square = 0, largest = 0;
      for (int64_t k = 0; k < p.k; ++k) {
        const double v = a[p.a_transposed ? k * p.m + i % p.m : i % p.m * p.k + k];
        square += v * v;
        largest = std::max(largest, std::fabs(v));
      }
      rows_[static_cast<size_t>(i)] = {std::sqrt(square), largest};
    }
    for (int64_t matrix = 0; matrix < key.matrices; ++matrix) {
      const float* first = w + matrix * columns * p.k;
      double* norms = column_norms_.data() + matrix * columns;
      const int64_t begin = share(columns, 0), end = share(columns, 1);
      for (int64_t j = begin; j < end && p.order == Order::nk; ++j)
        for (int64_t k = 0; k < p.k; ++k) norms[j] += double{first[j * p.k + k]} * double{first[j * p.k + k]};
      for (int64_t k = 0; k < p.k && p.order == Order::kn; ++k)
        for (int64_t j = begin; j < end; ++j)
          norms[j] += double{first[k * columns + j]} * double{first[k * columns + j]};
      for (int64_t j = begin; j < end; ++j)
        norms[j] = std::sqrt(norms[j]) * (x_.w->scale() != nullptr ? double{x_.w->scale()[j]} : 1.0);
    }
  });
}

double Reference::dot(int64_t batch, int64_t row, int64_t column) const {
  const Problem& p = x_.problem;
  const WeightKey& key = x_.w->key();
  const float* a = x_.a_floats() + batch * p.m * p.k + (p.a_transposed ? row : row * p.k);
  const float* w = x_.w->values() + (key.matrices > 1 ? batch * key.columns() * p.k : 0) +
                   (p.order == Order::nk ? column * p.k : column);
  const int64_t a_k = p.a_transposed ? p.m : 1, w_k = p.order == Order::nk ? 1 : key.columns();
  double sum[4] = {};  // four chains: one would wait for its own additions
  int64_t k = 0;
  for (; k + 4 <= p.k; k += 4)
    for (int64_t lane = 0; lane < 4; ++lane) sum[lane] += double{a[(k + lane) * a_k]} * double{w[(k + lane) * w_k]};
  for (; k < p.k; ++k) sum[0] += double{a[k * a_k]} * double{w[k * w_k]};
  const double total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  return x_.w->scale() != nullptr ? total * double{x_.w->scale()[column]} : total;
}

void Reference::choose_points(uint64_t seed) {
  const Problem& p = x_.problem;
  const auto point = [&](int64_t batch, int64_t row, int64_t column) { points_.push_back({batch, row, column, 0, 0}); };
  if (full_) {
    points_.reserve(static_cast<size_t>(x_.c_elements()));
    for (int64_t batch = 0; batch < p.batch; ++batch)
      for (int64_t i = 0; i < p.m; ++i)
        for (int64_t j = 0; j < p.n; ++j) point(batch, i, j);
    return;
  }
  int64_t at = 0;
  const auto below = [&](int64_t bound) {
    return static_cast<int64_t>(random_bits(seed, at++) % static_cast<uint64_t>(bound));
  };
  for (const int64_t i : {int64_t{0}, p.m - 1, below(p.m)})
    for (int64_t j = 0; j < p.n; ++j) point(below(p.batch), i, j);
  for (const int64_t j : {int64_t{0}, p.n - 1, below(p.n)})
    for (int64_t i = 0; i < p.m; ++i) point(below(p.batch), i, j);
  for (int i = 0; i < 512; ++i) point(below(p.batch), below(p.m), below(p.n));
}

void Reference::compute_points(Team& team) {
  const Problem& p = x_.problem;
  const int64_t count = static_cast<int64_t>(points_.size());
  team.run([&](Team::Worker& worker) {
    const int64_t end = count * (worker.id() + 1) / worker.count();
    for (int64_t i = count * worker.id() / worker.count(); i < end; ++i) {
      Point& point = points_[static_cast<size_t>(i)];
      point.sum = dot(point.batch, point.row, point.column);
      if (p.gated) point.sum_up = dot(point.batch, point.row, p.n + point.column);
    }
  });
}

Expected Reference::plain_sum(int64_t batch, int64_t i, int64_t j, double sum, Numerics numerics) const {
  const Row& a = row(batch, i);
  const double w_norm = column_norm(batch, j), k = static_cast<double>(x_.problem.k);
  Expected e;
  e.value = sum;
  e.scale = a.norm * w_norm;
  if (numerics == Numerics::s32) {
    if (x_.problem.c != Type::s32) e.r = kU * std::fabs(sum);
    return e;
  }
  e.s = kU * e.scale;
  if (numerics == Numerics::f32) return e;
  if (numerics == Numerics::b16 || numerics == Numerics::h16) {  // half a unit in the last bit at most, uniformly
    e.s += (numerics == Numerics::b16 ? 0x1p-8 : 0x1p-11) / std::sqrt(3.0) * e.scale;
    return e;
  }
  const double top = numerics == Numerics::a16  ? 32767
                     : numerics == Numerics::a8 ? 127
                     : numerics == Numerics::a7 ? 127 / 2.0
                                                : std::min(32767.0, std::floor(2147483647.0 / (128 * k)));
  e.s += a.largest / top / std::sqrt(12.0) * w_norm;
  return e;
}

Expected Reference::expected_plain(const Point& point, int64_t column, Numerics numerics) const {
  return plain_sum(point.batch, point.row, column, column < x_.problem.n ? point.sum : point.sum_up, numerics);
}

Expected Reference::expected(const Point& point, Numerics numerics) const {
  const Problem& p = x_.problem;
  const auto at = static_cast<size_t>((point.batch * p.m + point.row) * p.n + point.column);
  const auto before_activation = [&](int64_t column) {
    Expected e = expected_plain(point, column, numerics);
    if (p.col_scale) {
      const double factor = double{x_.col_scale.as<float>()[column]};
      e.value *= factor, e.s *= std::fabs(factor), e.scale *= std::fabs(factor), e.r *= std::fabs(factor);
      e.r += kU * std::fabs(e.value);
    }
    if (p.accumulate) add(double{x_.c_old.as<float>()[at]}, &e);
    if (p.bias) add(double{x_.bias.as<float>()[column]}, &e);
    return e;
  };
  Expected e = before_activation(point.column);
  apply_activation(p.act, &e);
  if (p.gated) {
    const Expected up = before_activation(p.n + point.column);
    const double gate = e.value;
    e.value *= up.value;
    e.s = e.s * std::fabs(up.value) + up.s * std::fabs(gate);
    e.r = e.r * std::fabs(up.value) + up.r * std::fabs(gate) + kU * std::fabs(e.value);
    e.scale *= up.scale;
  }
  if (p.residual) add(double{x_.residual.as<float>()[at]}, &e);
  if (p.c != Type::f32 && p.c != Type::s32) e.r += unit_roundoff(p.c) * std::fabs(e.value) + 0x1p-25;
  return e;
}

// r is +1 or -1 for each column, so the square of a row's projected error is the sum of its outputs' squares.
void Reference::project(uint64_t seed, Team& team) {
  const Problem& p = x_.problem;
  const WeightKey& key = x_.w->key();
  for (int64_t j = 0; j < p.n; ++j) signs_.push_back((random_bits(~seed, j) & 1) != 0 ? 1.0f : -1.0f);
  const auto factor = [&](int64_t j, bool scaled) {
    return double{signs_[static_cast<size_t>(j)]} * (x_.w->scale() != nullptr ? double{x_.w->scale()[j]} : 1.0) *
           (scaled && p.col_scale ? double{x_.col_scale.as<float>()[j]} : 1.0);
  };
  const auto sums = [&](bool scaled, std::vector<double>* out, std::vector<double>* norms) {
    std::vector<double> f(static_cast<size_t>(p.n));
    for (int64_t j = 0; j < p.n; ++j) f[static_cast<size_t>(j)] = factor(j, scaled);
    std::vector<double> y(static_cast<size_t>(key.matrices * p.k));  // W * r
    norms->resize(static_cast<size_t>(key.matrices));
    for (int64_t matrix = 0; matrix < key.matrices; ++matrix) {
      double square = 0;
      for (int64_t j = 0; j < p.n; ++j) {
        const double s = scaled && p.col_scale ? double{x_.col_scale.as<float>()[j]} : 1.0;
        square += std::pow(column_norm(matrix, j) * s, 2);
      }
      (*norms)[static_cast<size_t>(matrix)] = std::sqrt(square);
    }
    out->resize(static_cast<size_t>(p.batch * p.m));
    team.run([&](Team::Worker& worker) {
      const auto share = [&](int64_t count, int part) { return count * (worker.id() + part) / worker.count(); };
      for (int64_t matrix = 0; matrix < key.matrices; ++matrix) {
        const float* w = x_.w->values() + matrix * p.n * p.k;
        double* ys = y.data() + matrix * p.k;
        const int64_t begin = share(p.k, 0), end = share(p.k, 1);
        for (int64_t j = 0; j < p.n && p.order == Order::nk; ++j)
          for (int64_t k = begin; k < end; ++k) ys[k] += double{w[j * p.k + k]} * f[static_cast<size_t>(j)];
        for (int64_t k = begin; k < end && p.order == Order::kn; ++k)
          for (int64_t j = 0; j < p.n; ++j) ys[k] += double{w[k * p.n + j]} * f[static_cast<size_t>(j)];
      }
      worker.barrier();
      for (int64_t i = share(p.batch * p.m, 0); i < share(p.batch * p.m, 1); ++i) {
        const int64_t batch = i / p.m, in_batch = i % p.m;
        const float* a = x_.a_floats() + batch * p.m * p.k + (p.a_transposed ? in_batch : in_batch * p.k);
        const double* ys = y.data() + (key.matrices > 1 ? batch * p.k : 0);
        double sum = 0;
        for (int64_t k = 0; k < p.k; ++k) sum += double{a[k * (p.a_transposed ? p.m : 1)]} * ys[k];
        (*out)[static_cast<size_t>(i)] = sum;
      }
    });
  };
  sums(false, &sums_, &norms_);
  if (p.col_scale) sums(true, &scaled_sums_, &scaled_norms_);
}

Expected Reference::projected(int64_t batch, int64_t i, bool plain, double square, Numerics numerics) const {
  const Problem& p = x_.problem;
  const bool scaled = !plain && p.col_scale;
  const auto at = static_cast<size_t>(batch * p.m + i);
  const auto matrix = static_cast<size_t>(x_.w->key().matrices > 1 ? batch : 0);
  const double norm = (scaled ? scaled_norms_ : norms_)[matrix];
  // One output's s and r, with the columns' norms taken together.
  Expected e = plain_sum(batch, i, 0, (scaled ? scaled_sums_ : sums_)[at], numerics);
  const double one = column_norm(batch, 0);
  e.s *= one > 0 ? norm / one : 0;
  e.scale = row(batch, i).norm * norm;
  double steps = scaled || numerics == Numerics::s32 ? 1 : 0, type_u = 0;
  if (!plain) {
    for (int64_t j = 0; j < p.n; ++j) {
      const double sign = double{signs_[static_cast<size_t>(j)]};
      const size_t c = at * static_cast<size_t>(p.n) + static_cast<size_t>(j);
      if (p.accumulate) e.value += sign * double{x_.c_old.as<float>()[c]};
      if (p.bias) e.value += sign * double{x_.bias.as<float>()[j]};
      if (p.residual) e.value += sign * double{x_.residual.as<float>()[c]};
    }
    steps += p.accumulate + p.bias + p.residual;
    if (p.c != Type::f32 && p.c != Type::s32) type_u = unit_roundoff(p.c);
  }
  // Roundings of the epilogue and the store are independent too: the root of the sum of their squares.
  e.s += (steps * kU + type_u) * (std::sqrt(square) + e.scale);
  e.r = 0x1p-52 * static_cast<double>(p.k + p.n) * e.scale;  // of this float64 arithmetic
  if (numerics == Numerics::s32 && p.c == Type::s32) e.s = 0;
  return e;
}

}  // namespace lathe::probe
