// Packed weights column by column, as they came: what the CPU's panels hold, for those who need another layout of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "gpu/weights.h"
#include "ops/matmul.h"

namespace lathe::ops {

// What a device keeps weights of `layout` as; nothing where it has no such type.
std::optional<gpu::WeightType> device_type(matmul::Layout layout);

// Columns of the product: of gated weights twice n(), gates first.
inline int64_t weight_columns(const Weights& weights) { return weights.n() * (weights.gated() ? 2 : 1); }

// Column `column` of weights that device_type() knows, into gpu::source_column_bytes: values, or blocks of 32, the very
// codes and scales that were packed.
void read_column(const Weights& weights, int64_t column, std::byte* out);

}  // namespace lathe::ops
