// AVX-512: 16 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/rope/rope.h"

namespace lathe::rope {
namespace {
#include "kernels/rope/rope_steps.inl.h"
}  // namespace

const Variant table_avx512 = {"rope.avx512", Isa::avx512, &run<kernels::RowOps, kernels::OneLaneOps>};

}  // namespace lathe::rope
