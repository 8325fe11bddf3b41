// Attention of training over windows of equal length or texts of any, causal or not, forwards and backwards. Workers
// claim a head of keys of a window at a time, with the queries that share it: no two write the same element, and no sum
// is divided.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/attention/causal_attention.h"
#include "platform/team.h"

namespace lathe::ops {

// Rows are tokens, windows one after the other; heads lie side by side in a row.
struct WindowAttention {
  int64_t windows = 0, length = 0;   // length: of each window, or of the longest where `offsets` says them
  const int64_t* offsets = nullptr;  // [windows + 1]: window i has the rows offsets[i] .. offsets[i + 1] - 1
  bool causal = true;
  int64_t heads = 1, kv_heads = 1, head_dim = 1;
  float scale = 1.0f;
  const float* q = nullptr;
  int64_t q_row = 0;
  const float* k = nullptr;
  int64_t k_row = 0;
  const float* v = nullptr;
  int64_t v_row = 0;
  float* y = nullptr;            // [tokens][heads * head_dim]
  float* lse = nullptr;          // of window after window [heads][its length]
  std::byte* scratch = nullptr;  // window_attention_scratch() for each worker
};
struct WindowAttentionGradient {
  const float* dy = nullptr;  // as y
  float* dq = nullptr;
  int64_t dq_row = 0;
  float* dk = nullptr;
  int64_t dk_row = 0;
  float* dv = nullptr;
  int64_t dv_row = 0;
};

int64_t window_attention_scratch(int64_t length, int64_t head_dim);  // bytes, a multiple of 64
// `counter` of the worker's, at 0.
void attend_windows(Team::Worker& worker, const attention::CausalVariant& kernel, const WindowAttention& x,
                    int counter) noexcept;
void attend_windows_back(Team::Worker& worker, const attention::CausalVariant& kernel, const WindowAttention& x,
                         const WindowAttentionGradient& g, int counter) noexcept;

// Of the products; of causal ones half of the square is seen, and backwards there are five where forwards are two.
double window_attention_flops(const WindowAttention& x);
double window_attention_back_flops(const WindowAttention& x);

}  // namespace lathe::ops
