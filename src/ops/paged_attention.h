// Attention over cached texts: the new tokens of each attend to all of their text. Positions, pages and the division of
// work among the team.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/checked.h"
#include "kernels/norm/norm.h"
#include "kernels/paged_attention/paged_attention.h"
#include "kernels/rope/rope.h"
#include "ops/embedding.h"
#include "ops/kv_cache.h"
#include "ops/rope.h"
#include "platform/team.h"

namespace lathe::ops {

// A text of a batch that goes on: its tokens of this pass stand at positions first, first + 1, ...
struct CachedText {
  int64_t first = 0;
  std::byte* const* pages = nullptr;  // reserved up to its last token of this pass
};

// Texts of a batch and what is cached of each.
struct CachedBatch {
  TextBatch tokens;
  std::span<const CachedText> texts;
  const KvShape* shape = nullptr;
};

// y[t] = words[id of t] + positions[position of t]        y, and the scratch that is written too: [tokens, width].
// Every worker takes its share of the tokens. Ends without a barrier.
void embed_at_positions(const Team::Worker& worker, const CachedBatch& batch, const EmbeddingTable& words,
                        const EmbeddingTable& positions, float* scratch, float* y) noexcept;

// Queries, keys and values of one layer as its product leaves them: heads of queries, then of keys, then of values.
struct CacheOperands {
  int64_t layer = 0;
  int64_t heads = 1;                  // of queries; those of keys and values are the cache's
  const float* query_norm = nullptr;  // [head_dim]; nullptr: heads are not normalised
  const float* key_norm = nullptr;
  float weight_offset = 0;  // norm::Args::weight_offset of both
  float eps = 1e-6f;
  const RopeTable* table = nullptr;  // nullptr: positions are not rotated
  rope::Pairing pairing = rope::Pairing::halves;
  float* qkv = nullptr;  // of the first token
  int64_t row = 0;       // elements from a token to the next
};
// Normalises and rotates queries and keys in place, and writes keys and values to the cache. Every worker takes its
// share of the tokens. Ends without a barrier.
void rotate_and_cache(const Team::Worker& worker, const norm::Variant& norm, const rope::Variant& rope,
                      const paged_attention::Variant& kernel, const CachedBatch& batch,
                      const CacheOperands& x) noexcept;

struct PagedAttentionOperands {
  int64_t layer = 0;
  int64_t heads = 1;
  float scale = 1.0f;
  int64_t window = -1;       // negative: a token sees all of its text up to itself, else so many positions back
  const float* q = nullptr;  // of the first token; heads lie side by side
  int64_t q_row = 0;
  float* y = nullptr;  // [tokens, heads * head_dim]
  int64_t y_row = 0;
  std::byte* scratch = nullptr;  // paged_attention_scratch_bytes for each worker, one after the other
};

constexpr int64_t paged_attention_scratch_bytes(int64_t head_dim) {
  return round_up(paged_attention::scratch_bytes(head_dim), 64);
}

// Uses a counter of the team, which must stand at 0; the caller resets it behind the next barrier. Ends without one.
void attend(Team::Worker& worker, const paged_attention::Variant& kernel, const CachedBatch& batch,
            const PagedAttentionOperands& x, int counter) noexcept;

// Of the two products, with the keys that a token sees.
double attention_flops(const CachedBatch& batch, const PagedAttentionOperands& x);

}  // namespace lathe::ops
