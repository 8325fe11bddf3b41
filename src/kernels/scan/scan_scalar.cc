// Any CPU: the same steps one element at a time.
#include "base/types.h"
#include "kernels/common/scalar_steps.h"
#include "kernels/scan/scan.h"

namespace lathe::scan {
namespace {
#include "kernels/scan/scan_steps.inl.h"

using Ops = kernels::ScalarOps;

struct WidenScalar {
  static float to_f32(const uint16_t* p) { return to_float(bf16{*p}); }
};

struct IntegerScalar {
  static int32_t dot(const int8_t* x, const int16_t* q, int64_t dim) {
    int32_t sum = 0;
    for (int64_t k = 0; k < dim; ++k) sum += x[k] * q[k];
    return sum;
  }
};
}  // namespace

const Variant table_scalar = {"scan.scalar", Isa::scalar, &run<Ops, LoadF32<Ops>>,
                              &run<Ops, LoadBf16<Ops, WidenScalar>>, &run_s8<IntegerScalar>};

}  // namespace lathe::scan
