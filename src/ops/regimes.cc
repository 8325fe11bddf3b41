#include "ops/regimes.h"

#include <string_view>

namespace lathe::ops {

bool by_default(const matmul::Variant& variant, const matmul::Problem& problem) {
  if (variant.isa == Isa::sve) return false;
  if (variant.isa == Isa::sme) return std::string_view(variant.numerics) != "a7";
  switch (variant.a_form) {
    case matmul::AForm::tile_s8:
      return false;
    case matmul::AForm::tile_split_block:
    case matmul::AForm::tile_u7:
      return problem.m >= kTileBlockRows;
    case matmul::AForm::tile_b16:
      return problem.m > 1;  // one row is read from memory, by vdpbf16ps at 1.5 times the speed
    default:
      return true;
  }
}

bool preferred(const matmul::Variant& a, const matmul::Variant& b, const matmul::Problem&) {
  // A row made for few rows of A refuses more by its own m_max; where it accepts it is the better one.
  return a.m_max != 0 && b.m_max == 0;
}

}  // namespace lathe::ops
