// What an ISA file of a row operation includes: the vector policy with at most 16 lanes, the math and the lanes.
#pragma once

#include "kernels/common/simd_math.h"

namespace lathe::kernels {
namespace {

#include "kernels/common/lanes16.inl.h"

using RowOps = VectorOps<hn::CappedTag<float, kRowLanes>>;
using OneLaneOps = VectorOps<hn::CappedTag<float, 1>>;  // for what is left over of strided rows

}  // namespace
}  // namespace lathe::kernels
