#include "ops/adamw.h"

#include <algorithm>
#include <cmath>

namespace lathe::ops {
namespace {

// By squaring, so that the bits are the same with every mathematics library.
double power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base)
    if ((exponent & 1) != 0) result *= base;
  return result;
}

}  // namespace

void cut_pieces(int64_t offset, int64_t size, bool decay, std::vector<OptimizerPiece>& pieces) {
  for (int64_t at = 0; at < size; at += OptimizerPiece::kMost)
    pieces.push_back({offset + at, std::min(OptimizerPiece::kMost, size - at), decay});
}

AdamWStep adamw_step(double rate, double beta1, double beta2, double eps, double decay, double clip, int64_t number) {
  AdamWStep s{};
  s.beta1 = static_cast<float>(beta1);
  s.beta2 = static_cast<float>(beta2);
  s.eps = static_cast<float>(eps);
  s.keep = static_cast<float>(1 - rate * decay);
  s.step = static_cast<float>(rate / (1 - power(beta1, number)));
  s.root = static_cast<float>(1 / std::sqrt(1 - power(beta2, number)));
  s.clip = clip;
  return s;
}

void sum_squares(Team::Worker& worker, const optimizer::Variant& kernel, std::span<const OptimizerPiece> pieces,
                 const float* g, std::span<double> sums, int counter) noexcept {
  const auto count = static_cast<int64_t>(pieces.size());
  for (int64_t i = worker.next(counter); i < count; i = worker.next(counter)) {
    const OptimizerPiece& piece = pieces[static_cast<size_t>(i)];
    sums[static_cast<size_t>(i)] = kernel.square_sum(g + piece.offset, piece.size);
  }
}

double gradient_norm(std::span<const double> sums) {
  double sum = 0;
  for (const double piece : sums) sum += piece;
  return std::sqrt(sum);
}

void apply_adamw(Team::Worker& worker, const optimizer::Variant& kernel, std::span<const OptimizerPiece> pieces,
                 const FlatArrays& arrays, const AdamWStep& step, double norm, int counter) noexcept {
  optimizer::AdamWArgs args{};
  // As torch.nn.utils.clip_grad_norm_ has it.
  if (step.clip > 0) args.gradient_scale = static_cast<float>(std::min(1.0, step.clip / (norm + 1e-6)));
  args.beta1 = step.beta1;
  args.beta2 = step.beta2;
  args.step = step.step;
  args.root = step.root;
  args.eps = step.eps;
  const auto count = static_cast<int64_t>(pieces.size());
  for (int64_t i = worker.next(counter); i < count; i = worker.next(counter)) {
    const OptimizerPiece& piece = pieces[static_cast<size_t>(i)];
    args.n = piece.size;
    args.w = arrays.w + piece.offset;
    args.g = arrays.g + piece.offset;
    args.m = arrays.m + piece.offset;
    args.v = arrays.v + piece.offset;
    args.keep = piece.decay ? step.keep : 1.0f;
    kernel.adamw(args);
  }
}

}  // namespace lathe::ops
