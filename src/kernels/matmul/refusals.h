// Why a variant declines a problem, beyond types, layout and instruction set (those are checked for all alike).
#pragma once

#include "kernels/matmul/matmul.h"

namespace lathe::matmul {

const char* refuses_f32(const Variant& self, const Problem& problem) noexcept;
const char* refuses_quantised(const Variant& self, const Problem& problem) noexcept;
const char* refuses_integer(const Variant& self, const Problem& problem) noexcept;

}  // namespace lathe::matmul
