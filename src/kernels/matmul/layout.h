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

// W as it lies in memory. One source; a gated weight has two (gate, up).
struct Source {
  Type type = Type::f32;  // f32, bf16, f16, q8_0, q4_0 (blocks along K, order nk only), i8, s8; q8_a7 is q8_0
  Order order = Order::nk;
  const void* data = nullptr;
  int64_t ld = 0;  // elements from row to row ([N,K]: of K; [K,N]: of N); q8_0, q4_0: ignored, rows are dense
  const float* scale = nullptr;  // i8: [N]
};

// Packs panel `panel` (columns 16*panel .. of n) of `source` into `out` (panel_bytes long).
// A type of `layout` other than the source's is reached by widening or quantising (f32 -> anything).
void pack_panel(Layout layout, const Source& source, int64_t n, int64_t k, int64_t panel, std::byte* out) noexcept;

}  // namespace lathe::matmul
