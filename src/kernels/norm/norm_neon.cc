// NEON: 4 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/norm/norm.h"

namespace lathe::norm {
namespace {
#include "kernels/norm/norm_steps.inl.h"
}  // namespace

const Variant table_neon = {"norm.neon", Isa::neon, &layer_norm<kernels::RowOps>, &rms_norm<kernels::RowOps>};

}  // namespace lathe::norm
