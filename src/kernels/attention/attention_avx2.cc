// AVX2: 8 rows a register.
#include "kernels/attention/attention.h"
#include "kernels/common/simd_rows.h"

namespace lathe::attention {
namespace {
#include "kernels/attention/attention_steps.inl.h"
}  // namespace

const Variant table_avx2 = {"attention.avx2", Isa::avx2, &run<kernels::RowOps>};

}  // namespace lathe::attention
