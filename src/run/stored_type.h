// The type in which a model's weights are kept, where nobody asked for one.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kernels/matmul/matmul.h"
#include "tensor/tensor_table.h"

namespace lathe::run {

// As which most of the file's weights can be kept without losing anything: bf16, q8_0 and q4_0 stay as they are,
// f32 and f16 become f32. Other blocks (Q4_K, Q5_K, Q6_K ...) become q8_0: 8 bits hold what they encode nearly exactly,
// and as f32 they would take four times the memory.
matmul::Type stored_type(const TensorTable& tensors);

// In which an encoder's products can be kept; f16, q8_a7, bf16_b16 and bf16_d16 only where somebody asks for them.
inline constexpr std::array kStoredTypes = {matmul::Type::f32,      matmul::Type::bf16,    matmul::Type::f16,
                                            matmul::Type::q8_0,     matmul::Type::q4_0,    matmul::Type::q8_a7,
                                            matmul::Type::bf16_b16, matmul::Type::bf16_d16};
// And a decoder's.
inline constexpr std::array kGenerateTypes = {matmul::Type::f32,   matmul::Type::bf16,    matmul::Type::f16,
                                              matmul::Type::q8_0,  matmul::Type::q4_0,    matmul::Type::q4_1,
                                              matmul::Type::q4_k,  matmul::Type::q5_k,    matmul::Type::q6_k,
                                              matmul::Type::q8_a7, matmul::Type::bf16_b16};

using StoredTypes = std::span<const matmul::Type>;
std::string stored_type_names(StoredTypes types = kStoredTypes);  // "f32, bf16 ... or q8_a7"
std::optional<matmul::Type> stored_type_named(std::string_view name, StoredTypes types = kStoredTypes);

// An error where products cannot be kept in that type.
Status check_stored(matmul::Type stored, StoredTypes types = kStoredTypes);

}  // namespace lathe::run
