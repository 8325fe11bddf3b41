// NEON: 4 rows a register.
#include "kernels/attention/attention.h"
#include "kernels/common/simd_rows.h"

namespace lathe::attention {
namespace {
#include "kernels/attention/attention_steps.inl.h"
}  // namespace

const Variant table_neon = {"attention.neon", Isa::neon, &run<kernels::RowOps>};

}  // namespace lathe::attention
