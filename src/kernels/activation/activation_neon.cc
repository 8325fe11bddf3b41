// NEON: 4 elements a register.
#include "kernels/activation/activation.h"
#include "kernels/common/simd_rows.h"

namespace lathe::activation {
namespace {
#include "kernels/activation/activation_steps.inl.h"
}  // namespace

const Variant table_neon = {"activation.neon", Isa::neon, &apply<kernels::RowOps>, &gated<kernels::RowOps>};

}  // namespace lathe::activation
