// AVX-512: 16 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/softmax/softmax.h"

namespace lathe::softmax {
namespace {
#include "kernels/softmax/softmax_steps.inl.h"
}  // namespace

const Variant table_avx512 = {"softmax.avx512", Isa::avx512, &run<kernels::RowOps>};

}  // namespace lathe::softmax
