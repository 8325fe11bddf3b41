#include "ops/gradients.h"

#include "ops/share.h"

namespace lathe::ops {

void norm_input(const Team::Worker& worker, const norm::BackwardVariant& kernel, norm::BackwardArgs args,
                bool layer) noexcept {
  const Share share(worker, args.rows);
  args.rows = share.end - share.begin;
  args.x += share.begin * args.x_row;
  args.dy += share.begin * args.dy_row;
  args.dx += share.begin * args.dx_row;
  args.scale += share.begin;
  if (args.mean != nullptr) args.mean += share.begin;
  (layer ? kernel.layer_norm : kernel.rms_norm)(args);
}

void norm_weight(const Team::Worker& worker, const norm::BackwardVariant& kernel,
                 norm::WeightGradientArgs args) noexcept {
  const ColumnShare share(worker, args.end);
  args.begin = share.begin;
  args.end = share.end;
  kernel.weights(args);
}

void gate_backward(const Team::Worker& worker, const activation::BackwardVariant& kernel, activation::Function function,
                   activation::GatedBackwardArgs args) noexcept {
  const Share share(worker, args.rows);
  args.rows = share.end - share.begin;
  args.gate += share.begin * args.gate_row;
  args.up += share.begin * args.up_row;
  args.dy += share.begin * args.dy_row;
  args.dgate += share.begin * args.dgate_row;
  args.dup += share.begin * args.dup_row;
  kernel.gated(function, args);
}

void activate_backward(const Team::Worker& worker, const activation::BackwardVariant& kernel,
                       activation::Function function, activation::ApplyBackwardArgs args) noexcept {
  const Share share(worker, args.rows);
  args.rows = share.end - share.begin;
  args.x += share.begin * args.x_row;
  args.dy += share.begin * args.dy_row;
  args.dx += share.begin * args.dx_row;
  kernel.apply(function, args);
}

}  // namespace lathe::ops
