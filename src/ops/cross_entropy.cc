#include "ops/cross_entropy.h"

#include "ops/share.h"

namespace lathe::ops {

void cross_entropy(const Team::Worker& worker, const loss::Variant& kernel, loss::Args args) noexcept {
  const Share share(worker, args.rows);
  args.rows = share.end - share.begin;
  args.x += share.begin * args.x_row;
  args.targets += share.begin;
  args.loss += share.begin;
  kernel.cross_entropy(args);
}

}  // namespace lathe::ops
