#include "api/operands.h"

#include <string>

#include "base/checked.h"

namespace lathe::api {
namespace {

using matmul::Problem;

// A matrix of the batch as an operand gives it.
struct Matrix {
  const char* name;  // of its pointer
  const char* ld_name;
  const void* data;
  int64_t rows, columns, ld, batch, batch_stride;
};

Status too_small(const char* name, int64_t found, int64_t needed) {
  return invalid_argument(std::string(name) + " is " + std::to_string(found) + "; it needs at least " +
                          std::to_string(needed) + ", or 0 for dense");
}

// Fills in dense strides. 2^61 elements are beyond any address, so no later sum of offsets overflows.
Status check_matrix(Matrix& x) {
  if (x.data == nullptr) return invalid_argument(std::string(x.name) + " is null; the problem needs it");
  if (x.ld == 0) x.ld = x.columns;
  if (x.ld < x.columns) return too_small(x.ld_name, x.ld, x.columns);
  const auto one = checked_mul(x.rows, x.ld);
  if (x.batch_stride == 0) x.batch_stride = one.value_or(0);
  if (x.batch > 1 && x.batch_stride < 0)
    return invalid_argument(std::string(x.name) + "_batch is " + std::to_string(x.batch_stride) +
                            "; it must not be negative");
  constexpr int64_t kLimit = int64_t{1} << 61;
  const auto all = x.batch > 1 ? checked_mul(x.batch, x.batch_stride) : std::optional<int64_t>(0);
  if (!one || !all || *one > kLimit || *all > kLimit)
    return invalid_argument(std::string(x.name) + " has strides that lead beyond any memory");
  return {};
}

// Products of a batch may lie one behind the other or side by side in the rows of C (the heads of attention).
Status check_batch_of_c(const Matrix& c) {
  const int64_t behind = (c.rows - 1) * c.ld + c.columns;
  const bool beside = c.batch_stride >= c.columns && (c.batch - 1) * c.batch_stride + c.columns <= c.ld;
  if (c.batch == 1 || c.batch_stride >= behind || beside) return {};
  return invalid_argument("c_batch is " + std::to_string(c.batch_stride) +
                          ", so products of the batch would overwrite each other; it needs at least " +
                          std::to_string(behind));
}

Status check_weights(const Problem& p, const matmul::Variant& variant, const MatmulOperands& x,
                     const BoundWeights& bound) {
  if (!p.prepared) {
    if (x.weights != nullptr) return invalid_argument("weights are given, and the problem is unprepared; it needs w");
    return {};
  }
  if (x.w != nullptr) return invalid_argument("w is given, and the problem is prepared; it needs weights");
  if (bound.weights == nullptr) return invalid_argument("weights are null; the problem needs them");
  const ops::Weights& w = *bound.weights;
  const auto type = static_cast<matmul::Type>(bound.type);
  if (type != p.w)
    return invalid_argument("weights are " + std::string(type_name(type)) + "; the problem needs " +
                            std::string(type_name(p.w)));
  if (w.n() != p.n || w.k() != p.k)
    return invalid_argument("weights have N " + std::to_string(w.n()) + ", K " + std::to_string(w.k()) +
                            "; the problem needs N " + std::to_string(p.n) + ", K " + std::to_string(p.k));
  if (w.gated() != p.gated)
    return invalid_argument(p.gated ? "weights are not gated; the problem needs a gate and an up projection"
                                    : "weights are gated; the problem needs a plain weight");
  if (w.layout() != variant.layout)
    return invalid_argument("weights lie as " + std::string(layout_name(w.layout())) + "; " + variant.name + " reads " +
                            std::string(layout_name(variant.layout)));
  return {};
}

// An operand of the epilogue must be there exactly where the problem has its step.
Status check_step(bool wanted, bool given, const char* name) {
  if (wanted == given) return {};
  return invalid_argument(std::string(name) + (wanted ? " is absent, and the problem has that step"
                                                      : " is given, and the problem has no such step"));
}

Status check_epilogue(const Problem& p, const matmul::Variant& variant, const MatmulOperands& x) {
  const bool integers = std::string_view(variant.numerics) == "s32";
  const Status steps[] = {
      check_step(p.bias, x.bias != nullptr, "bias"),
      check_step(p.residual, x.residual != nullptr, "residual"),
      check_step(p.col_scale, x.column_scale != nullptr, "column_scale"),
      check_step(p.accumulate, x.beta != 0.0f, "beta"),
  };
  for (const Status& status : steps)
    if (!status.ok()) return status;
  if (!integers && (x.a_zero != 0 || x.w_zero != nullptr))
    return invalid_argument("zero points are given; only products of integers have them");
  if (p.c == matmul::Type::s32 && x.alpha != 1.0f)
    return invalid_argument("alpha is given; an s32 result has no float epilogue");
  return {};
}

}  // namespace

Result<ops::MatmulOperands> checked_operands(const Problem& p, const matmul::Variant& variant, const MatmulOperands& x,
                                             const BoundWeights& bound) {
  if (Status status = check_weights(p, variant, x, bound); !status.ok()) return status;
  if (Status status = check_epilogue(p, variant, x); !status.ok()) return status;
  Matrix a = {"a", "lda", x.a, p.m, p.k, x.lda, p.batch, x.a_batch};
  if (p.a_transposed) std::swap(a.rows, a.columns);
  const bool nk = p.order == matmul::Order::nk;
  Matrix w = {"w", "ldw", x.w, nk ? p.n : p.k, nk ? p.k : p.n, x.ldw, p.batch, x.w_batch};
  Matrix c = {"c", "ldc", x.c, p.m, p.n, x.ldc, p.batch, x.c_batch};
  Matrix residual = {"residual", "residual_ld", x.residual, p.m * p.batch, p.n, x.residual_ld, 1, 0};
  if (Status status = check_matrix(a); !status.ok()) return status;
  if (Status status = p.prepared ? Status() : check_matrix(w); !status.ok()) return status;
  if (Status status = check_matrix(c); !status.ok()) return status;
  if (Status status = check_batch_of_c(c); !status.ok()) return status;
  if (Status status = p.residual ? check_matrix(residual) : Status(); !status.ok()) return status;

  ops::MatmulOperands out;
  out.a = a.data, out.lda = a.ld, out.a_batch = a.batch_stride;
  out.weights = bound.weights;
  out.w = x.w, out.ldw = w.ld, out.w_batch = w.batch_stride;
  out.c = x.c, out.ldc = c.ld, out.c_batch = c.batch_stride;
  matmul::Epilogue& e = out.epilogue;
  e.alpha = x.alpha, e.beta = x.beta;
  e.col_scale = x.column_scale, e.bias = x.bias;
  e.act = p.act, e.gated = p.gated;
  e.residual = x.residual, e.residual_ld = residual.ld;
  e.a_zero = x.a_zero, e.w_zero = x.w_zero;
  return out;
}

}  // namespace lathe::api
