// What it costs to bring a weight into the layout that kernels read.
#pragma once

#include "kernels/matmul/matmul.h"
#include "lathe/status.h"
#include "platform/team.h"

namespace lathe::cli {

struct PackingCost {
  matmul::Layout layout = matmul::Layout::panel_f32;
  double ms = 0;  // median
  int64_t source_bytes = 0, packed_bytes = 0;
};

// Packs weights of random bytes, of `problem`'s size, type and order, a few times.
Result<PackingCost> measure_packing(const matmul::Problem& problem, matmul::Layout layout, Team& team);

}  // namespace lathe::cli
