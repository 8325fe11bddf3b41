// AVX-512: 16 lanes a register.
#include "kernels/common/simd_rows.h"
#include "kernels/paged_attention/paged_attention.h"
#include "quant/blocks.h"

namespace lathe::paged_attention {
namespace {
#include "kernels/paged_attention/paged_attention_steps.inl.h"
}  // namespace

const Variant table_avx512 = {"paged_attention.avx512", Isa::avx512, &run<kernels::RowOps>, &store<kernels::RowOps>};

}  // namespace lathe::paged_attention
