// The packers of the layouts of 4 to 6 bits: records of codes and scales, as codes.inl.h reads them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/matmul/layout.h"

namespace lathe::matmul {

// 32 weights of one column, from k0 on, as f32; zeros beyond K.
void read_block(const Source& s, int64_t k, int64_t column, int64_t k0, float* out);

int64_t codes_panel_bytes(Layout layout, int64_t k);
// The panel whose first column is `first`, into zeroed memory.
void pack_codes(Layout layout, const Source& source, int64_t n, int64_t k, int64_t first, std::byte* out) noexcept;

}  // namespace lathe::matmul
