// What PreparedWeights lead to.
#pragma once

#include "lathe/matmul.h"
#include "ops/matmul.h"

namespace lathe {

struct PreparedWeights::Impl {
  ops::Weights weights;
  DataType type = DataType::f32;  // i8 and s8 share a layout, so the layout does not tell
};

}  // namespace lathe
