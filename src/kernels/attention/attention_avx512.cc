// AVX-512: 16 rows a register.
#include "kernels/attention/attention.h"
#include "kernels/common/simd_rows.h"

namespace lathe::attention {
namespace {
#include "kernels/attention/attention_steps.inl.h"
}  // namespace

const Variant table_avx512 = {"attention.avx512", Isa::avx512, &run<kernels::RowOps>};

}  // namespace lathe::attention
