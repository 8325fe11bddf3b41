// Rotary positions in training, over windows of equal length, forwards and backwards: queries and keys are normalised
// by head where the model has norms for it, and rotated. Backwards a pair is rotated by the negative angle, and then
// goes through the norm's gradient.
//
// Tokens are divided among the workers, the same to each, so that what reads only tokens needs no barrier behind
// another; for the gradients of the norms' weights columns are divided, each a chain over all tokens and heads.
#pragma once

#include <cstdint>

#include "kernels/norm/norm.h"
#include "kernels/norm/norm_backward.h"
#include "kernels/rope/rope.h"
#include "platform/team.h"

namespace lathe::ops {

struct WindowRotation {
  int64_t tokens = 0, length = 1;  // token t stands at position t % length of its window
  int64_t heads = 1, kv_heads = 1, head_dim = 1;
  const float* query_norm = nullptr;  // [head_dim]; both or none
  const float* key_norm = nullptr;
  float eps = 1e-6f;
  rope::Pairing pairing = rope::Pairing::interleaved;
  const float* cos = nullptr;  // [positions][head_dim / 2]
  const float* sin = nullptr;
  const float* minus_sin = nullptr;  // for the way back
};

// Rows of tokens: `heads` queries side by side, then kv_heads keys. What follows them in a row is not touched.
struct TokenRows {
  float* at = nullptr;
  int64_t row = 0;
};

// y = rotated(norm(x)). y may be x, but where there are norms: their gradients need what came.
void rotate_windows(const Team::Worker& worker, const norm::Variant& norm, const rope::Variant& rope,
                    const WindowRotation& w, const TokenRows& x, const TokenRows& y) noexcept;
// In place, the gradient of what was rotated becomes that of what came.
void rotate_windows_back(const Team::Worker& worker, const rope::Variant& rope, const WindowRotation& w,
                         const TokenRows& dy) noexcept;

// The gradients of the norms: dx, which is not dy, and scale [tokens][heads + kv_heads]; behind a barrier the weights'.
void head_norms_input(const Team::Worker& worker, const norm::BackwardVariant& kernel, const WindowRotation& w,
                      const TokenRows& x, const TokenRows& dy, const TokenRows& dx, float* scale) noexcept;
void head_norms_weight(const Team::Worker& worker, const norm::BackwardVariant& kernel, const WindowRotation& w,
                       const TokenRows& x, const TokenRows& dy, const float* scale, float* dquery,
                       float* dkey) noexcept;

}  // namespace lathe::ops
