// The norm of the gradients part by part, out of the sums that the norm of all is made of: no further pass over them.
#pragma once

#include <span>
#include <vector>

#include "models/train_layout.h"
#include "models/train_model.h"
#include "ops/adamw.h"

namespace lathe::models {

class GradientParts {
 public:
  // `pieces` are those of the layout's tensors, in order.
  GradientParts(const TrainLayout& layout, std::span<const ops::OptimizerPiece> pieces);

  // `sums` of squares, one for each piece.
  GradientNorms norms(std::span<const double> sums) const;

 private:
  std::vector<TrainPlace> places_;  // of each piece
  int64_t layers_ = 0;
};

}  // namespace lathe::models
