// NEON: 4 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/rope/rope.h"

namespace lathe::rope {
namespace {
#include "kernels/rope/rope_steps.inl.h"
}  // namespace

const Variant table_neon = {"rope.neon", Isa::neon, &run<kernels::RowOps, kernels::OneLaneOps>};

}  // namespace lathe::rope
