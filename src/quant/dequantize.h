// Stored values of any type as f32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/dtype.h"
#include "lathe/status.h"

namespace lathe {

// `count` values, a multiple of the type's block, from bytes of any alignment.
using Dequantize = void (*)(const std::byte* bytes, int64_t count, float* out) noexcept;

// nullptr for types that are no floating-point numbers or that cannot be decoded. For loops over rows.
Dequantize dequantizer(DType dtype) noexcept;

// The same, with everything checked: out has `count` values.
Status dequantize(DType dtype, std::span<const std::byte> bytes, int64_t count, float* out);

}  // namespace lathe
