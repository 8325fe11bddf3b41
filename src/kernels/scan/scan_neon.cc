// NEON: 4 floats or 16 bytes a step.
#include "kernels/common/simd_rows.h"
#include "kernels/scan/scan.h"

namespace lathe::scan {
namespace {
// clang-format off
#include "kernels/scan/scan_steps.inl.h"
#include "kernels/scan/scan_vector.inl.h"
// clang-format on
}  // namespace

const Variant table_neon = {"scan.neon", Isa::neon, &run<Ops, LoadF32<Ops>>, &run<Ops, LoadBf16<Ops, WidenVector>>,
                            &run_s8<IntegerVector>};

}  // namespace lathe::scan
