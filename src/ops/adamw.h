// The optimizer's step over flat arrays that are cut into pieces at fixed places: the norm of all gradients, and then
// one fused pass, with clipping as a factor of the gradients.
//
// The norm is the sum of the pieces' sums in their order, in float64: it does not depend on who summed which piece.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/optimizer/optimizer.h"
#include "platform/team.h"

namespace lathe::ops {

// Elements that are treated alike, at most kMost of them.
struct OptimizerPiece {
  static constexpr int64_t kMost = 64 << 10;  // 1.75 MiB pass through a core for one claim
  int64_t offset, size;
  bool decay;
};
// Cuts [offset, offset + size) and puts the pieces behind those that are there.
void cut_pieces(int64_t offset, int64_t size, bool decay, std::vector<OptimizerPiece>& pieces);

struct AdamWStep {
  float beta1, beta2, eps;
  float keep;        // of a weight that decays: 1 - rate * decay
  float step, root;  // optimizer::AdamWArgs
  double clip;       // of the norm; 0: none
};
AdamWStep adamw_step(double rate, double beta1, double beta2, double eps, double decay, double clip, int64_t number);

struct FlatArrays {
  float* w;
  const float* g;
  float* m;
  float* v;
};

// Every worker claims pieces on `counter`, at 0, and leaves their sums of squares in `sums`.
void sum_squares(Team::Worker& worker, const optimizer::Variant& kernel, std::span<const OptimizerPiece> pieces,
                 const float* g, std::span<double> sums, int counter) noexcept;
// Behind a barrier.
double gradient_norm(std::span<const double> sums);
// Behind a barrier, and only where `norm` is finite.
void apply_adamw(Team::Worker& worker, const optimizer::Variant& kernel, std::span<const OptimizerPiece> pieces,
                 const FlatArrays& arrays, const AdamWStep& step, double norm, int counter) noexcept;

}  // namespace lathe::ops
