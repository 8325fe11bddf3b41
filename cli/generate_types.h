// The words for how a decoder's weights, and its keys and values, are kept.
#pragma once

#include <optional>
#include <string_view>
#include <utility>

#include "kernels/matmul/matmul.h"
#include "ops/kv_cache.h"

namespace lathe::cli {

inline constexpr std::pair<std::string_view, std::optional<matmul::Type>> kGenerateTypes[] = {
    {"auto", std::nullopt},       {"f32", matmul::Type::f32},     {"bf16", matmul::Type::bf16},
    {"q8_0", matmul::Type::q8_0}, {"q4_0", matmul::Type::q4_0},   {"f16", matmul::Type::f16},
    {"q4_1", matmul::Type::q4_1}, {"q4_k", matmul::Type::q4_k},   {"q5_k", matmul::Type::q5_k},
    {"q6_k", matmul::Type::q6_k}, {"q8_a7", matmul::Type::q8_a7}, {"bf16_b16", matmul::Type::bf16_b16}};
inline constexpr const char* kGenerateTypesHelp =
    "How weights are kept: f32, bf16, f16, bf16_b16, q8_0, q8_a7, q6_k, q5_k, q4_k, q4_1, q4_0, or auto: each as the "
    "file has it";
inline constexpr std::pair<std::string_view, ops::KvType> kKvTypes[] = {
    {"f16", ops::KvType::f16}, {"bf16", ops::KvType::bf16}, {"f32", ops::KvType::f32}, {"q8_0", ops::KvType::q8_0}};

}  // namespace lathe::cli
