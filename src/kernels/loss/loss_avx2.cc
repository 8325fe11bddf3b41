// AVX2: 8 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/loss/loss.h"

namespace lathe::loss {
namespace {
#include "kernels/loss/loss_steps.inl.h"
}  // namespace

const Variant table_avx2 = {"cross_entropy.avx2", Isa::avx2, &cross_entropy<kernels::RowOps>};

}  // namespace lathe::loss
