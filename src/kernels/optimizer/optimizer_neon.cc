// NEON: 4 floats or 4 doubles a register.
#include "kernels/common/simd_rows.h"
#include "kernels/optimizer/optimizer.h"

namespace lathe::optimizer {
namespace {
// clang-format off
#include "kernels/optimizer/optimizer_steps.inl.h"
#include "kernels/optimizer/optimizer_vector.inl.h"
// clang-format on
}  // namespace

const Variant table_neon = {"optimizer.neon", Isa::neon, &adamw<kernels::RowOps>, &square_sum<Squares>,
                            &add<kernels::RowOps>};

}  // namespace lathe::optimizer
