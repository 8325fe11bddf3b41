// AVX2: 8 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/softmax/softmax.h"

namespace lathe::softmax {
namespace {
#include "kernels/softmax/softmax_steps.inl.h"
}  // namespace

const Variant table_avx2 = {"softmax.avx2", Isa::avx2, &run<kernels::RowOps>};

}  // namespace lathe::softmax
