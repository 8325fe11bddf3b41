// The contract of attention as training needs it: one text, one head of keys and the query heads that share it, causal
// or (an encoder's) with every query seeing all keys; forward with what the backward pass needs, and backward. Nothing
// of length x length is stored: scores are computed again block by block (Dao et al., FlashAttention-2).
//
//   forward   s[i,j] = scale * sum over c of q[i,c] * k[j,c];  j <= i where causal;  m[i] = max over j
//             l[i] = sum over j of exp(s[i,j] - m[i])
//             y[i,d] = sum over j of exp(s[i,j] - m[i]) * v[j,d] / l[i];  lse[i] = m[i] + log(l[i])
//   backward  p[i,j] = exp(s[i,j] - lse[i]);  delta[i] = sum over d of dy[i,d] * y[i,d]
//             dv[j,d] = sum over heads, i of p[i,j] * dy[i,d]
//             ds[i,j] = p[i,j] * (sum over d of dy[i,d] * v[j,d] - delta[i]) * scale
//             dq[i,c] = sum over j of ds[i,j] * k[j,c];  dk[j,c] = sum over heads, i of ds[i,j] * q[i,c]
//
// Each step rounded once, every product of a sum by fma, every chain from +0:
//
//   x[i,c] = q[i,c] * scale;  s[i,j] = chain over c ascending of x[i,c] * k[j,c]
//   forward   keys in blocks of kCausalBlock from position 0, m = -FLT_MAX and l, o[d] = 0 before the first; in a block
//             n = max(m, s[j] of the block);  f = exp(m - n);  m = n;  e[j] = exp(s[j] - n)
//             l = l * f, then + e[j] in lane j mod 16 of sixteen, one tree over them in the end
//             o[d] = o[d] * f, then the chain over j ascending of e[j] * v[j,d] goes on
//             y[i,d] = o[d] * (1 / l) + 0;  lse[i] = m + log(l) in float64, rounded
//   backward  p[i,j] = exp(s[i,j] - lse[i]);  delta[i] over sixteen lanes and one tree
//             g[i,j] = p[i,j] * ((chain over d ascending of dy[i,d] * v[j,d]) - delta[i])
//             dq[i,c] = (chain over j ascending of g[i,j] * k[j,c]) * scale + 0
//             dv[j,d], dk[j,c] = (chain over heads, then i ascending, of p[i,j] * dy[i,d] and g[i,j] * x[i,c]) + 0
//
// ORDER OF ADDITION. One call computes a whole text for one head of keys, and its sums depend on what a query sees
// (forward) and on `length` and `heads` (dk, dv) alone: neither on the division of calls among threads nor on the
// instruction set. dq, dk and dv are written, not added to. A score that is NaN or +infinity makes its row of y and lse
// NaN, and gradients NaN that it reaches.
//
// Strides are in elements. q, k, v may lie in one buffer, as may dq, dk, dv; inputs and outputs do not overlap. No
// alignment is needed but for scratch (64); nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::attention {

constexpr int64_t kCausalBlock = 64;  // queries, and keys, that are computed at a time

struct CausalArgs {
  int64_t length = 0, head_dim = 0;
  int64_t heads = 1;  // query heads of this head of keys, side by side in q, y, dq, dy (stride head_dim)
  float scale = 1.0f;
  bool causal = true;        // else every query sees all keys
  const float* q = nullptr;  // of the first of these heads, position 0
  int64_t q_row = 0;
  const float* k = nullptr;
  int64_t k_row = 0;
  const float* v = nullptr;
  int64_t v_row = 0;
  float* y = nullptr;
  int64_t y_row = 0;
  float* lse = nullptr;  // [heads][length]
  std::byte* scratch = nullptr;
};

struct CausalBackwardArgs {
  CausalArgs forward;  // y and lse as they were written; the scratch is causal_scratch_bytes too
  const float* dy = nullptr;
  int64_t dy_row = 0;
  float* dq = nullptr;
  int64_t dq_row = 0;
  float* dk = nullptr;
  int64_t dk_row = 0;
  float* dv = nullptr;
  int64_t dv_row = 0;
};

// Enough for either call.
int64_t causal_scratch_bytes(int64_t length, int64_t head_dim);

struct CausalVariant {
  const char* name;  // causal_attention.isa
  Isa isa;
  void (*forward)(const CausalArgs&) noexcept;
  void (*backward)(const CausalBackwardArgs&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const CausalVariant* const> causal_variants();
const CausalVariant& best_causal(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const CausalVariant causal_table_scalar, causal_table_avx2, causal_table_neon, causal_table_avx512;

}  // namespace lathe::attention
