// AVX-512: 16 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/norm/norm.h"

namespace lathe::norm {
namespace {
#include "kernels/norm/norm_steps.inl.h"
}  // namespace

const Variant table_avx512 = {"norm.avx512", Isa::avx512, &layer_norm<kernels::RowOps>, &rms_norm<kernels::RowOps>};

}  // namespace lathe::norm
