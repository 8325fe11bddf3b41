// Sizes and addresses of the packed layouts, and the packers that define them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/matmul/matmul.h"

namespace lathe::matmul {

// Bytes of one panel of `layout` for K = k; a multiple of 64.
int64_t panel_bytes(Layout layout, int64_t k);
// The layout that weights of `type` are prepared into.
Layout prepared_layout(Type type);

// Weights of one column that `layout` keeps as a block of which there are no parts: 256, or 1.
int64_t k_unit(Layout layout);

// Bytes of a dense [N,K] weight's row as it lies in memory.
int64_t source_row_bytes(Type type, int64_t k);

// W as it lies in memory. One source; a gated weight has two (gate, up).
struct Source {
  // f32, bf16, f16, i8, s8, or blocks along K (order nk only); q8_a7 is q8_0. Blocks of 256 are packed as they are and
  // into no other layout.
  Type type = Type::f32;
  Order order = Order::nk;
  const void* data = nullptr;
  int64_t ld = 0;                // elements from row to row ([N,K]: of K; [K,N]: of N); blocks: ignored, rows are dense
  const float* scale = nullptr;  // i8: [N]
};

// Packs panel `panel` (columns 16*panel .. of n) of `source` into `out` (panel_bytes long).
// A type of `layout` other than the source's is reached by widening or quantising (f32 -> anything).
void pack_panel(Layout layout, const Source& source, int64_t n, int64_t k, int64_t panel, std::byte* out) noexcept;

}  // namespace lathe::matmul
