// Operands of the ops that take the rows of many tokens at once, of one text or of several: what encoders are made of,
// and what decoders read a prompt with. Ids, positions and tiles stand in the device's memory, so that a recording can
// be submitted again with others of the same count. Indices beyond their table give a wrong number, never a read
// outside of it; the tiles of attention are trusted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/matmul.h"
#include "gpu/place.h"

namespace lathe::gpu {

struct GatherRowsArgs {  // y[t] = (alpha * W[ids[t]] + type) + table[first + positions[t]]; uint32 ids and positions
  Place w, ids, y;
  Place type;              // [n]; absent: none is added
  Place table, positions;  // [table_rows][n]; absent: none is added
  int64_t first = 0, table_rows = 0;
  int64_t tokens = 1, vocabulary = 0, n = 0, y_row = 0;
  float alpha = 1.0f;
};
// The cache of t's text [slots[t]] = x[t]. Rows are of several texts, rows_of_text of each; caches: the address of each
// text's, uint64 [texts]; rooms: the rows that it has, uint32 [texts], beyond which a slot takes nothing.
struct StoreRowsArgs {
  Place x, caches, slots, rooms;
  int64_t rows = 1, rows_of_text = 1, n = 0, x_row = 0;
};
struct LayerNormArgs {  // y = (x - mean) / sqrt(var + epsilon) * w + bias, row by row; y may be x, bias absent
  Place x, w, bias, y;
  int64_t rows = 1, n = 0, x_row = 0, y_row = 0;
  float epsilon = 1e-5f;
};
struct ResidualNormsArgs {  // hidden += rms_norm(x) * (offset + post);  y = rms_norm(hidden) * (offset + next); dense
  Place x, post, hidden, next, y;  // y may be x
  int64_t rows = 1, n = 0;
  float epsilon = 1e-6f, offset = 0.0f;
};
struct RotateRowsArgs {        // in place; the first `heads` heads of a row are queries, the next kv_heads are keys
  Place x, table, positions;   // (cos, sin) of [position][pair], of `context` positions
  Place query_norm, key_norm;  // [dim]; both absent: heads are rotated only
  int64_t tokens = 1, heads = 1, kv_heads = 1, dim = 0, pairs = 0, row = 0, context = 0;
  float epsilon = 1e-6f, offset = 0.0f;
};
struct ActivateArgs {  // y = f(x), or f(x) * up; y may be x or up
  Place x, up, y;
  Activation function = Activation::none;
  int64_t rows = 1, n = 0, x_row = 0, up_row = 0, y_row = 0;
};

enum class PoolMode : uint8_t { first, last, largest, mean, mean_sqrt_length, weighted_mean };  // the shader's numbers
struct PoolArgs {             // offsets: uint32 [texts + 1]; skip: uint32 [texts], fewer than the text has, or absent
  Place x, offsets, skip, y;  // x [tokens][width]
  PoolMode mode = PoolMode::mean;
  int64_t texts = 1, tokens = 1, width = 0, y_row = 0;
};
struct NormalizeRowsArgs {  // the first n elements of each row to the length 1
  Place y;
  int64_t rows = 1, n = 0, row = 0;
};

// Queries of one text that a workgroup takes. Rows are counted in q and y, and in keys and values.
struct AttentionTile {
  uint32_t q_row = 0, rows = 0;  // 0 rows: nothing is done
  uint32_t position = 0;         // of the first in its text
  uint32_t key_row = 0;          // of the text's position 0
  uint32_t keys = 0;             // that the text has
};
constexpr int64_t kSeesAll = int64_t{1} << 30;
// A query at position p sees the keys p - behind .. p + ahead of its text. Heads lie side by side in a row. by_address:
// `keys` and `values` are where the address of what is meant stands, a uint64 each, which is trusted.
struct AttentionTilesArgs {
  Place q, keys, values, y, tiles;
  int64_t tile_count = 0;
  int64_t heads = 1, kv_heads = 1, dim = 0;
  int64_t q_rows = 1, kv_rows = 1;           // that there are
  int64_t q_row = 0, kv_row = 0, y_row = 0;  // floats from a row to the next
  int64_t behind = kSeesAll, ahead = kSeesAll;
  float scale = 1.0f;
  bool by_address = false;
};
// Tiles of `rows` queries over texts that lie one after the other, each seeing itself, and how many they are at most.
void ragged_tiles(std::span<const int64_t> offsets, int64_t rows, std::vector<AttentionTile>* tiles);
int64_t most_ragged_tiles(int64_t tokens, int64_t texts, int64_t rows);

}  // namespace lathe::gpu
