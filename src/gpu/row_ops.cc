#include "gpu/row_ops.h"

#include <algorithm>

#include "base/checked.h"
#include "gpu/step_checks.h"

namespace lathe::gpu {
namespace {

bool is_there(const Place& place) { return place.buffer != nullptr; }

}  // namespace

void ragged_tiles(std::span<const int64_t> offsets, int64_t rows, std::vector<AttentionTile>* tiles) {
  for (size_t text = 0; text + 1 < offsets.size(); ++text) {
    const int64_t begin = offsets[text], length = offsets[text + 1] - begin;
    for (int64_t at = 0; at < length; at += rows)
      tiles->push_back({u32(begin + at), u32(std::min(rows, length - at)), u32(at), u32(begin), u32(length)});
  }
}

int64_t most_ragged_tiles(int64_t tokens, int64_t texts, int64_t rows) {
  return std::min(tokens, (tokens + texts * (rows - 1)) / rows);
}

Status StepProgram::record(Recording& recording, const GatherRowsArgs& a) const {
  if (Status s = check_op(StepOp::gather_rows); !s.ok()) return s;
  const auto size = packed_size(variant_->w, variant_->layout, a.vocabulary, a.n);
  if (!size) return size.status();
  Checks checks;
  checks.size("tokens", a.tokens, 1, most_groups_);
  checks.size("the distance of rows of y", a.y_row, a.n);
  checks.place("W", a.w, size->bytes, 16);
  checks.place("the ids", a.ids, a.tokens * 4);
  checks.rows("y", a.y, a.tokens, a.y_row, a.n);
  if (is_there(a.type)) checks.rows("the type", a.type, 1, a.n, a.n);
  if (is_there(a.table)) {
    checks.size("rows of the table", a.table_rows, 1);
    checks.size("the first row of the table", a.first, 0, a.table_rows - 1);
    checks.rows("the table", a.table, a.table_rows, a.n, a.n);
    checks.place("the positions", a.positions, a.tokens * 4);
  }
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t w, scale, ids, positions, type, table, y;
    uint32_t tokens, vocabulary, n, units, scales, y_row, first, count;
    float alpha;
    uint32_t steps;
  } push{address_of(a.w),
         address_of(a.w) + static_cast<uint64_t>(size->scales_at),
         address_of(a.ids),
         address_of(a.positions),
         address_of(a.type),
         address_of(a.table),
         address_of(a.y),
         u32(a.tokens),
         u32(a.vocabulary),
         u32(a.n),
         u32(size->units),
         u32(size->scales),
         u32(a.y_row),
         u32(a.first),
         u32(a.table_rows),
         a.alpha,
         (is_there(a.type) ? 1u : 0u) | (is_there(a.table) ? 2u : 0u)};
  dispatch(recording, *pipeline_, push, {ceil_div(size->units, variant_->threads), a.tokens});
  return {};
}

Status StepProgram::record(Recording& recording, const StoreRowsArgs& a) const {
  if (Status s = check_op(StepOp::store_rows); !s.ok()) return s;
  Checks checks;
  checks.size("rows", a.rows, 1, most_groups_);
  checks.size("rows of a text", a.rows_of_text, 1);
  checks.size("n", a.n, 1);
  checks.size("the distance of rows of x", a.x_row, a.n);
  checks.rows("x", a.x, a.rows, a.x_row, a.n);
  checks.place("the slots", a.slots, a.rows * 4);
  if (!checks.ok()) return checks.status();
  const int64_t texts = ceil_div(a.rows, a.rows_of_text);
  checks.place("the addresses of caches", a.caches, texts * 8, 8);
  checks.place("the rooms", a.rooms, texts * 4);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, caches, slots, rooms;
    uint32_t n, x_row, rows_of_text, unused;
  } push{address_of(a.x), address_of(a.caches), address_of(a.slots), address_of(a.rooms),
         u32(a.n),        u32(a.x_row),         u32(a.rows_of_text), 0};
  dispatch(recording, *pipeline_, push, {ceil_div(a.n, variant_->threads), a.rows});
  return {};
}

Status StepProgram::record(Recording& recording, const RotateRowsArgs& a) const {
  if (Status s = check_op(StepOp::rotate_rows); !s.ok()) return s;
  const bool norms = is_there(a.query_norm) || is_there(a.key_norm);
  Checks checks;
  checks.size("tokens", a.tokens, 1, most_groups_);
  checks.size("heads", a.heads, 1, most_groups_);
  checks.size("heads of keys", a.kv_heads, 0, most_groups_ - a.heads);
  checks.size("the width of a head", a.dim, 1);
  checks.size("pairs", a.pairs, 0, a.dim / 2);
  checks.size("context", a.context, 1);
  checks.size("the distance of rows of x", a.row, (a.heads + a.kv_heads) * a.dim);
  checks.rows("x", a.x, a.tokens, a.row, (a.heads + a.kv_heads) * a.dim);
  if (a.pairs != 0) checks.rows("the table of angles", a.table, a.context, 2 * a.pairs, 2 * a.pairs);
  checks.place("the positions", a.positions, a.tokens * 4);
  if (norms) checks.rows("the norm of queries", a.query_norm, 1, a.dim, a.dim);
  if (norms) checks.rows("the norm of keys", a.key_norm, 1, a.dim, a.dim);
  if (!checks.ok()) return checks.status();
  struct {
    uint64_t x, table, positions, query_norm, key_norm;
    uint32_t heads, dim, pairs, row, context;
    float epsilon, offset;
    uint32_t steps;
  } push{address_of(a.x),
         address_of(a.table),
         address_of(a.positions),
         address_of(a.query_norm),
         address_of(a.key_norm),
         u32(a.heads),
         u32(a.dim),
         u32(a.pairs),
         u32(a.row),
         u32(a.context),
         a.epsilon,
         a.offset,
         norms ? 1u : 0u};
  dispatch(recording, *pipeline_, push, {a.heads + a.kv_heads, a.tokens});
  return {};
}

Status StepProgram::record(Recording& recording, const AttentionTilesArgs& a) const {
  if (Status s = check_op(StepOp::attention_tiles); !s.ok()) return s;
  Checks checks;
  checks.size("tiles", a.tile_count, 1, most_groups_);
  checks.size("heads", a.heads, 1, most_groups_);
  checks.size("heads of keys", a.kv_heads, 1, a.heads);
  checks.size("the width of a head", a.dim, 1, variant_->most_dim);
  checks.size("positions that are seen behind", a.behind, 0, kSeesAll);
  checks.size("positions that are seen ahead", a.ahead, 0, kSeesAll);
  checks.size("rows of queries", a.q_rows, 1, kSeesAll);
  checks.size("rows of keys", a.kv_rows, 1, kSeesAll);
  checks.size("the distance of queries", a.q_row, a.heads * a.dim);
  checks.size("the distance of keys", a.kv_row, a.kv_heads * a.dim);
  checks.size("the distance of rows of y", a.y_row, a.heads * a.dim);
  checks.rows("q", a.q, a.q_rows, a.q_row, a.heads * a.dim);
  for (const auto& [name, place] : {std::pair("keys", a.keys), std::pair("values", a.values)})
    a.by_address ? checks.place(name, place, 8, 8) : checks.rows(name, place, a.kv_rows, a.kv_row, a.kv_heads * a.dim);
  checks.rows("y", a.y, a.q_rows, a.y_row, a.heads * a.dim);
  checks.place("the tiles", a.tiles, a.tile_count * static_cast<int64_t>(sizeof(AttentionTile)));
  if (!checks.ok()) return checks.status();
  if (a.heads % a.kv_heads != 0)
    return invalid_argument(fmt::format("{} heads over {} of keys, needed: a multiple", a.heads, a.kv_heads));
  struct {
    uint64_t q, keys, values, y, tiles;
    uint32_t group_size, dim, q_row, kv_row, y_row, behind, ahead;
    float scale;
    uint32_t by_address, unused;
  } push{address_of(a.q), address_of(a.keys),     address_of(a.values),
         address_of(a.y), address_of(a.tiles),    u32(a.heads / a.kv_heads),
         u32(a.dim),      u32(a.q_row),           u32(a.kv_row),
         u32(a.y_row),    u32(a.behind),          u32(a.ahead),
         a.scale,         a.by_address ? 1u : 0u, 0};
  dispatch(recording, *pipeline_, push, {a.tile_count, a.heads});
  return {};
}

}  // namespace lathe::gpu
