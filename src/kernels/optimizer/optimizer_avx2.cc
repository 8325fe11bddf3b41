// AVX2: 8 floats or 4 doubles a register.
#include "kernels/common/simd_rows.h"
#include "kernels/optimizer/optimizer.h"

namespace lathe::optimizer {
namespace {
// clang-format off
#include "kernels/optimizer/optimizer_steps.inl.h"
#include "kernels/optimizer/optimizer_vector.inl.h"
// clang-format on
}  // namespace

const Variant table_avx2 = {"optimizer.avx2", Isa::avx2, &adamw<kernels::RowOps>, &square_sum<Squares>,
                            &add<kernels::RowOps>};

}  // namespace lathe::optimizer
