// The contract of the attention kernels: one text, one head, a run of its query rows.
//
//   y[i,d] = sum over j of softmax over j of (scale * sum over c of q[i,c] * k[j,c]) * v[j,d]
//
// for 0 <= i < rows, 0 <= j < keys, 0 <= c, d < head_dim, each at least 1. Row i stands at position p = first + i of
// the text, key j at position j; with window >= 0 a row sees the keys with |p - j| <= window only.
//
// Flash style: keys are taken in blocks of kKeys from position 0, with the largest score so far in m, the sum of the
// exponentials in l and the weighted sum of values in o. Per row, each step rounded once:
//
//   m = -FLT_MAX, l = 0, o[d] = 0; then for each block of keys:
//   s[j] = chain over c ascending of fma(k[j,c], q[i,c], s), from +0
//   t[j] = s[j] * scale; -inf where the row does not see the key
//   n    = max(m, t[j] of the block);  f = exp(m - n);  m = n
//   e[j] = exp(t[j] - n)                               exp_f32 of kernels/common/scalar_math.h
//   l    = l * f, then l + e[j], j ascending;  o[d] = o[d] * f, then fma(v[j,d], e[j], o[d]), j ascending
//
//   y[i,d] = o[d] * (1 / l) + 0, and 0 where l is 0   (the 0 makes +0 of -0)
//
// ORDER OF ADDITION. A lane is a query row, so every sum is one chain that depends on the text's length and on the
// row's position alone: not on how the rows are cut into runs, on the rows beside it, or on the instruction set. Blocks
// of keys that a row does not see change no bit of it (f = 1, e = 0), so they may be passed over.
//
// A NaN or a +inf among the scores of a row makes that row NaN. A NaN or an infinity in v makes every row NaN that sees
// it; with a window it may do so to rows near those that do.
//
// q, k and v may lie in one buffer, with strides; y overlaps none of them. No alignment is needed but for scratch (64);
// nothing outside the rows is touched, nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::attention {

constexpr int64_t kKeys = 64;  // per block: scores and exponentials of 16 rows take 4 KiB of the first-level cache
constexpr int64_t kRows = 16;  // that are computed at a time, as lanes

// Strides are in elements, from a row to the next.
struct Args {
  int64_t rows = 0, keys = 0, head_dim = 0;
  int64_t first = 0;         // position of the first query row
  const float* q = nullptr;  // of the first query row
  int64_t q_row = 0;
  const float* k = nullptr;  // of position 0
  int64_t k_row = 0;
  const float* v = nullptr;
  int64_t v_row = 0;
  float scale = 1.0f;
  int64_t window = -1;  // negative: every row sees every key. Below 2^24
  float* y = nullptr;
  int64_t y_row = 0;
  std::byte* scratch = nullptr;  // scratch_bytes(head_dim)
};

constexpr int64_t scratch_bytes(int64_t head_dim) {
  return (2 * head_dim + kKeys) * kRows * static_cast<int64_t>(sizeof(float));
}

struct Variant {
  const char* name;  // attention.isa
  Isa isa;
  void (*run)(const Args&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const Variant* const> variants();
const Variant* find(std::string_view name);
const Variant& best(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const Variant table_scalar, table_avx2, table_neon, table_avx512;

}  // namespace lathe::attention
