// AVX-512: 16 floats or 8 doubles a register.
#include "kernels/common/simd_rows.h"
#include "kernels/optimizer/optimizer.h"

namespace lathe::optimizer {
namespace {
// clang-format off
#include "kernels/optimizer/optimizer_steps.inl.h"
#include "kernels/optimizer/optimizer_vector.inl.h"
// clang-format on
}  // namespace

const Variant table_avx512 = {"optimizer.avx512", Isa::avx512, &adamw<kernels::RowOps>, &square_sum<Squares>,
                              &add<kernels::RowOps>};

}  // namespace lathe::optimizer
