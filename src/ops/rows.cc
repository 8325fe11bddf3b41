#include "ops/rows.h"

#include "ops/share.h"

namespace lathe::ops {

void gather_norm(const Team::Worker& worker, const norm::Variant& kernel, const GatherNorm& x) noexcept {
  const Share share(worker, static_cast<int64_t>(x.rows.size()));
  norm::Args args{};
  args.rows = 1;
  args.n = x.n;
  args.weight = x.weight;
  args.bias = x.bias;
  args.weight_offset = x.weight_offset;
  args.eps = x.eps;
  for (int64_t i = share.begin; i < share.end; ++i) {
    args.x = x.x + x.rows[static_cast<size_t>(i)] * x.n;
    args.y = x.y + i * x.n;
    (x.bias != nullptr ? kernel.layer_norm : kernel.rms_norm)(args);
  }
}

}  // namespace lathe::ops
