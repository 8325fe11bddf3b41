// AVX-512: 16 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/loss/loss.h"

namespace lathe::loss {
namespace {
#include "kernels/loss/loss_steps.inl.h"
}  // namespace

const Variant table_avx512 = {"cross_entropy.avx512", Isa::avx512, &cross_entropy<kernels::RowOps>};

}  // namespace lathe::loss
