#include "ops/regimes.h"

namespace lathe::ops {
namespace {

// Up to this many rows A is read in place, since a strip would be used by too few panels to pay for its making.
constexpr int64_t kInPlaceRows = 6;

int rank(const matmul::Variant& v, const matmul::Problem& p) {
  const bool in_place = v.a_form == matmul::AForm::in_place;
  return in_place == (p.m <= kInPlaceRows) ? 0 : 1;
}

}  // namespace

bool preferred(const matmul::Variant& a, const matmul::Variant& b, const matmul::Problem& problem) {
  return rank(a, problem) < rank(b, problem);
}

}  // namespace lathe::ops
