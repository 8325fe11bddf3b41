// NEON: 4 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/loss/loss.h"

namespace lathe::loss {
namespace {
#include "kernels/loss/loss_steps.inl.h"
}  // namespace

const Variant table_neon = {"cross_entropy.neon", Isa::neon, &cross_entropy<kernels::RowOps>};

}  // namespace lathe::loss
