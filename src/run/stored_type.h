// The type in which a model's weights are kept, where nobody asked for one.
#pragma once

#include "kernels/matmul/matmul.h"
#include "tensor/tensor_table.h"

namespace lathe::run {

// As which most of the file's weights can be kept without losing anything: bf16, q8_0 and q4_0 stay as they are,
// f32 and f16 become f32. Other blocks (Q4_K, Q5_K, Q6_K ...) become q8_0: 8 bits hold what they encode nearly exactly,
// and as f32 they would take four times the memory.
matmul::Type stored_type(const TensorTable& tensors);

// An error where products cannot be kept in that type.
Status check_stored(matmul::Type stored);

}  // namespace lathe::run
