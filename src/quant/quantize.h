// f32 values as any type that files are written in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/dtype.h"
#include "lathe/status.h"

namespace lathe {

// `count` finite values, a multiple of the type's block, into bytes of any alignment.
using Quantize = void (*)(const float* x, int64_t count, std::byte* bytes) noexcept;

// nullptr for types that are not written: F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K and Q6_K are.
Quantize quantizer(DType dtype) noexcept;

// The largest magnitude that the type takes: what f16 holds, where values or scales are f16.
float largest_value(DType dtype) noexcept;

// The same, with everything checked.
Status quantize(DType dtype, std::span<const float> x, std::span<std::byte> bytes);

}  // namespace lathe
