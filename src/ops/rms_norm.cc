#include "ops/rms_norm.h"

#include "ops/share.h"

namespace lathe::ops {

void rms_norm(const Team::Worker& worker, const norm::Variant& kernel, norm::Args args) noexcept {
  const Share share(worker, args.rows);
  args.rows = share.end - share.begin;
  args.x += share.begin * args.x_row;
  args.y += share.begin * args.y_row;
  if (args.residual != nullptr) args.residual += share.begin * args.residual_row;
  if (args.sum != nullptr) args.sum += share.begin * args.sum_row;
  kernel.rms_norm(args);
}

void residual_norms(const Team::Worker& worker, const norm::Variant& kernel, const ResidualNorms& x) noexcept {
  const Share share(worker, x.rows);
  norm::Args post{}, next{};
  post.rows = next.rows = 1;  // one after the other, so that the second finds the row in the cache
  post.n = next.n = x.n;
  post.weight_offset = next.weight_offset = x.weight_offset;
  post.eps = next.eps = x.eps;
  post.weight = x.post;
  next.weight = x.next;
  for (int64_t row = share.begin; row < share.end; ++row) {
    float* y = x.y + row * x.n;
    post.x = x.x + row * x.n;
    post.y = y;
    kernel.rms_norm(post);
    next.x = y;
    next.residual = next.sum = x.hidden + row * x.n;
    next.y = y;
    kernel.rms_norm(next);
  }
}

void activate(const Team::Worker& worker, const activation::Variant& kernel, activation::Function function,
              activation::ApplyArgs args) noexcept {
  const Share share(worker, args.rows);
  args.rows = share.end - share.begin;
  args.x += share.begin * args.x_row;
  args.y += share.begin * args.y_row;
  kernel.apply(function, args);
}

void gate(const Team::Worker& worker, const activation::Variant& kernel, activation::Function function,
          activation::GatedArgs args) noexcept {
  const Share share(worker, args.rows);
  args.rows = share.end - share.begin;
  args.gate += share.begin * args.gate_row;
  args.up += share.begin * args.up_row;
  args.y += share.begin * args.y_row;
  kernel.gated(function, args);
}

}  // namespace lathe::ops
