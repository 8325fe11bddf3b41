// NEON: 4 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/norm/norm.h"
#include "kernels/norm/norm_backward.h"

namespace lathe::norm {
namespace {
// clang-format off
#include "kernels/norm/norm_steps.inl.h"
#include "kernels/norm/norm_backward_steps.inl.h"
// clang-format on
}  // namespace

const BackwardVariant backward_table_neon = {"norm_backward.neon", Isa::neon, &input_rows<kernels::RowOps, false>,
                                             &input_rows<kernels::RowOps, true>, &weight_columns<kernels::RowOps>};

}  // namespace lathe::norm
