#include "ops/rope.h"

#include <algorithm>

#include "ops/share.h"

namespace lathe::ops {

void RopeTable::reserve(int64_t count, int64_t most) {
  const int64_t half = rotary_ / 2, have = positions();
  if (count <= have) return;
  const int64_t wanted = std::min(most, std::max<int64_t>(count, std::max<int64_t>(2 * have, 64)));
  cos_.resize(static_cast<size_t>(wanted * half));
  sin_.resize(static_cast<size_t>(wanted * half));
  rope::TableArgs args{};
  args.first_position = have;
  args.count = wanted - have;
  args.rotary = rotary_;
  args.base = base_;
  args.position_scale = position_scale_;
  args.frequency_factors = factors_.empty() ? nullptr : factors_.data();
  args.magnitude = magnitude_;
  rope::build_table(args, cos_.data() + have * half, sin_.data() + have * half);
}

void norm_and_rotate(const Team::Worker& worker, const norm::Variant& norm, const rope::Variant& rope,
                     const TextBatch& batch, const RotateOperands& x) noexcept {
  const Share share(worker, batch.tokens());
  norm::Args heads{};
  heads.n = heads.x_row = heads.y_row = x.head_dim;
  heads.weight_offset = x.weight_offset;
  heads.eps = x.eps;
  int32_t position = 0;
  rope::Args rotate{};
  rotate.tokens = 1;
  rotate.heads = x.heads + x.kv_heads;
  rotate.head_dim = x.head_dim;
  rotate.rotary = x.table->rotary();
  rotate.pairing = rope::Pairing::halves;
  rotate.x_head = rotate.y_head = x.head_dim;
  rotate.positions = &position;
  rotate.cos = x.table->cos();
  rotate.sin = x.table->sin();
  auto text = std::ranges::upper_bound(batch.offsets, share.begin) - 1;
  for (int64_t t = share.begin; t < share.end; ++t) {
    while (t >= text[1]) ++text;
    float* const row = x.x + t * x.row;
    for (const bool keys : {false, true}) {
      heads.rows = keys ? x.kv_heads : x.heads;
      heads.weight = keys ? x.key_norm : x.query_norm;
      heads.x = heads.y = row + (keys ? x.heads * x.head_dim : 0);
      norm.rms_norm(heads);
    }
    position = static_cast<int32_t>(t - *text);
    rotate.x = rotate.y = row;
    rope.run(rotate);
  }
}

}  // namespace lathe::ops
