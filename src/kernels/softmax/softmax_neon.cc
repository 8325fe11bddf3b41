// NEON: 4 elements a register.
#include "kernels/common/simd_rows.h"
#include "kernels/softmax/softmax.h"

namespace lathe::softmax {
namespace {
#include "kernels/softmax/softmax_steps.inl.h"
}  // namespace

const Variant table_neon = {"softmax.neon", Isa::neon, &run<kernels::RowOps>};

}  // namespace lathe::softmax
