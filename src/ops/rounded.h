// Activations that are kept as bf16: rounded as soon as they are there, so that what follows and the gradients are of
// the same numbers, and as f32 again for the way back. Rows are divided, as the row operations divide them; both end
// without a barrier.
#pragma once

#include <cstdint>

#include "base/types.h"
#include "platform/team.h"

namespace lathe::ops {

// x = round(x), [rows][n], and a copy of it as bf16.
void keep_rounded(const Team::Worker& worker, int64_t rows, int64_t n, float* x, bf16* copy) noexcept;
void restore_rounded(const Team::Worker& worker, int64_t rows, int64_t n, const bf16* copy, float* x) noexcept;

}  // namespace lathe::ops
