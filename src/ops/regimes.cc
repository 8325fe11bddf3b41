#include "ops/regimes.h"

namespace lathe::ops {

bool preferred(const matmul::Variant& a, const matmul::Variant& b, const matmul::Problem&) {
  // A row made for few rows of A refuses more by its own m_max; where it accepts it is the better one.
  return a.m_max != 0 && b.m_max == 0;
}

}  // namespace lathe::ops
