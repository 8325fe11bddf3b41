// AVX2: 8 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/rope/rope.h"

namespace lathe::rope {
namespace {
#include "kernels/rope/rope_steps.inl.h"
}  // namespace

const Variant table_avx2 = {"rope.avx2", Isa::avx2, &run<kernels::RowOps, kernels::OneLaneOps>};

}  // namespace lathe::rope
