#include "ops/paged_attention.h"

#include <algorithm>

#include "ops/share.h"

namespace lathe::ops {
namespace {

// Query rows of one claim: a token's heads at least, and of a long text as many tokens as make the keys, which are
// read again for every claim, worth their way from the cache.
constexpr int64_t kRowsAtATime = 96;

size_t text_of(const TextBatch& batch, int64_t token) {
  return static_cast<size_t>(std::ranges::upper_bound(batch.offsets, token) - batch.offsets.begin() - 1);
}

int64_t length_of(const TextBatch& batch, size_t text) { return batch.offsets[text + 1] - batch.offsets[text]; }

void normalize_heads(const norm::Variant& norm, const CacheOperands& x, int64_t kv_heads, int64_t head_dim,
                     float* row) {
  norm::Args heads{};
  heads.n = heads.x_row = heads.y_row = head_dim;
  heads.weight_offset = x.weight_offset;
  heads.eps = x.eps;
  for (const bool keys : {false, true}) {
    heads.rows = keys ? kv_heads : x.heads;
    heads.weight = keys ? x.key_norm : x.query_norm;
    heads.x = heads.y = row + (keys ? x.heads * head_dim : 0);
    norm.rms_norm(heads);
  }
}

void rotate_heads(const rope::Variant& rope, const CacheOperands& x, int64_t kv_heads, int64_t head_dim, float* row,
                  int64_t position) {
  const auto at = static_cast<int32_t>(position);
  rope::Args rotate{};
  rotate.tokens = 1;
  rotate.heads = x.heads + kv_heads;
  rotate.head_dim = head_dim;
  rotate.rotary = x.table->rotary();
  rotate.pairing = x.pairing;
  rotate.x = rotate.y = row;
  rotate.x_head = rotate.y_head = head_dim;
  rotate.positions = &at;
  rotate.cos = x.table->cos();
  rotate.sin = x.table->sin();
  rope.run(rotate);
}

}  // namespace

void embed_at_positions(const Team::Worker& worker, const CachedBatch& batch, const EmbeddingTable& words,
                        const EmbeddingTable& positions, float* scratch, float* y) noexcept {
  const Share share(worker, batch.tokens.tokens());
  const int64_t width = words.width();
  size_t text = text_of(batch.tokens, share.begin);
  for (int64_t t = share.begin; t < share.end; ++t) {
    while (t >= batch.tokens.offsets[text + 1]) ++text;
    float *row = y + t * width, *position = scratch + t * width;
    words.decode_row(batch.tokens.ids[static_cast<size_t>(t)], row);
    positions.decode_row(batch.texts[text].first + t - batch.tokens.offsets[text], position);
    for (int64_t j = 0; j < width; ++j) row[j] += position[j];
  }
}

void rotate_and_cache(const Team::Worker& worker, const norm::Variant& norm, const rope::Variant& rope,
                      const paged_attention::Variant& kernel, const CachedBatch& batch,
                      const CacheOperands& x) noexcept {
  const Share share(worker, batch.tokens.tokens());
  const KvShape& shape = *batch.shape;
  const int64_t dim = shape.head_dim;
  paged_attention::StoreArgs store;
  store.tokens = 1;
  store.head_dim = dim;
  store.type = shape.type;
  size_t text = text_of(batch.tokens, share.begin);
  for (int64_t t = share.begin; t < share.end; ++t) {
    while (t >= batch.tokens.offsets[text + 1]) ++text;
    const CachedText& cached = batch.texts[text];
    float* const row = x.qkv + t * x.row;
    store.first = cached.first + t - batch.tokens.offsets[text];
    if (x.query_norm != nullptr) normalize_heads(norm, x, shape.kv_heads, dim, row);
    if (x.table != nullptr) rotate_heads(rope, x, shape.kv_heads, dim, row, store.first);
    store.pages = cached.pages;
    for (int64_t head = 0; head < shape.kv_heads; ++head) {
      store.k = row + (x.heads + head) * dim;
      store.v = store.k + shape.kv_heads * dim;
      store.at = shape.at(x.layer, head);
      kernel.store(store);
    }
  }
}

void attend(Team::Worker& worker, const paged_attention::Variant& kernel, const CachedBatch& batch,
            const PagedAttentionOperands& x, int counter) noexcept {
  const KvShape& shape = *batch.shape;
  const TextBatch& tokens = batch.tokens;
  paged_attention::Args args;
  args.group = x.heads / shape.kv_heads;
  args.head_dim = args.q_head = args.y_head = shape.head_dim;
  args.q_token = x.q_row;
  args.y_token = x.y_row;
  args.type = shape.type;
  args.scale = x.scale;
  args.window = x.window;
  args.scratch = x.scratch + worker.id() * paged_attention_scratch_bytes(shape.head_dim);
  const int64_t run = std::max<int64_t>(1, kRowsAtATime / args.group);  // tokens of a claim
  const auto claims = [&](size_t i) { return shape.kv_heads * ceil_div(length_of(tokens, i), run); };
  int64_t claims_before = 0;  // of the texts before this one
  size_t text = 0;
  for (;;) {
    const int64_t claim = worker.next(counter);
    while (text < batch.texts.size() && claim >= claims_before + claims(text)) claims_before += claims(text++);
    if (text >= batch.texts.size()) return;
    // The last tokens see most, and come first.
    const int64_t item = claims(text) - 1 - (claim - claims_before);
    const int64_t head = item % shape.kv_heads, begin = item / shape.kv_heads * run;
    const int64_t token = tokens.offsets[text] + begin;
    args.tokens = std::min(run, length_of(tokens, text) - begin);
    args.first = batch.texts[text].first + begin;
    args.pages = batch.texts[text].pages;
    args.at = shape.at(x.layer, head);
    args.q = x.q + token * x.q_row + head * args.group * shape.head_dim;
    args.y = x.y + token * x.y_row + head * args.group * shape.head_dim;
    kernel.run(args);
  }
}

double attention_flops(const CachedBatch& batch, const PagedAttentionOperands& x) {
  double pairs = 0;
  for (size_t i = 0; i < batch.texts.size(); ++i)
    for (int64_t t = 0; t < length_of(batch.tokens, i); ++t) {
      const int64_t seen = batch.texts[i].first + t + 1;
      pairs += static_cast<double>(x.window < 0 ? seen : std::min(seen, x.window + 1));
    }
  return 4 * pairs * static_cast<double>(x.heads * batch.shape->head_dim);
}

}  // namespace lathe::ops
