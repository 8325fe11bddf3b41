// Attention over a ragged batch: every text attends to itself, heads and runs of query rows are claimed by workers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/checked.h"
#include "kernels/attention/attention.h"
#include "ops/embedding.h"
#include "platform/team.h"

namespace lathe::ops {

// Query rows of one claim: four times over the keys for 64 rows, and enough claims for the team in a text of 128.
constexpr int64_t kAttentionRows = 64;

struct AttentionOperands {
  int64_t heads = 1, head_dim = 1;
  int64_t kv_heads =
      0;  // of keys and values: each serves heads / kv_heads neighbouring query heads; 0: as many as heads
  float scale = 1.0f;
  int64_t window = -1;
  const float* q = nullptr;  // of the first token; heads lie side by side
  const float* k = nullptr;
  const float* v = nullptr;
  int64_t qkv_row = 0;  // elements from a token to the next, of all three
  float* y = nullptr;   // [tokens, heads * head_dim]
  int64_t y_row = 0;
  std::byte* scratch = nullptr;  // attention_scratch_bytes for each worker, one after the other
};

constexpr int64_t attention_scratch_bytes(int64_t head_dim) { return round_up(attention::scratch_bytes(head_dim), 64); }

// Uses a counter of the team, which must stand at 0; the caller resets it behind the next barrier. Ends without one.
void attend(Team::Worker& worker, const attention::Variant& kernel, const TextBatch& batch, const AttentionOperands& x,
            int counter) noexcept;

// Of the two products, every key with every query (also where a window leaves some out).
double attention_flops(const TextBatch& batch, const AttentionOperands& x);

}  // namespace lathe::ops
