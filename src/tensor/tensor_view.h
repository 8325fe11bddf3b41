// A named tensor that lies in somebody else's memory, usually a mapped file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/dtype.h"
#include "tensor/shape.h"

namespace lathe {

struct TensorView {
  std::string name;
  DType dtype = DType::f32;
  Shape shape;
  // Exactly tensor_bytes(dtype, shape) of them, dense, rows one after the other. Files promise no alignment.
  std::span<const std::byte> bytes;

  // Values, checked when the view was made.
  int64_t elements() const { return shape.elements().value_or(0); }
};

// Nothing where the size does not fit in 63 bits or the last dimension is not in whole blocks.
inline std::optional<int64_t> tensor_bytes(DType dtype, const Shape& shape) {
  const DTypeInfo& info = dtype_info(dtype);
  const auto elements = shape.elements();
  if (!elements) return std::nullopt;
  const int64_t row = shape.rank() == 0 ? 1 : shape[shape.rank() - 1];
  if (row % info.block != 0) return std::nullopt;
  return checked_mul(*elements / info.block, info.bytes);
}

}  // namespace lathe
