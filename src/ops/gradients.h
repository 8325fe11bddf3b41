// The row operations of training, backwards. Each stands beside its forward pass: the norms and activations have theirs
// in rms_norm.h and embedding.h.
//
// Rows are divided among the workers where every row is independent, and columns where rows are summed: then each
// column is one chain over the rows, whatever the number of workers. All end without a barrier.
#pragma once

#include <cstdint>

#include "kernels/activation/activation_backward.h"
#include "kernels/norm/norm.h"
#include "kernels/norm/norm_backward.h"
#include "kernels/optimizer/optimizer.h"
#include "platform/team.h"

namespace lathe::ops {

// dx of a norm, rows divided. With bias it is layer_norm, else rms_norm.
void norm_input(const Team::Worker& worker, const norm::BackwardVariant& kernel, norm::BackwardArgs args,
                bool layer) noexcept;
// Behind a barrier, dweight and dbias, columns divided.
void norm_weight(const Team::Worker& worker, const norm::BackwardVariant& kernel,
                 norm::WeightGradientArgs args) noexcept;

void gate_backward(const Team::Worker& worker, const activation::BackwardVariant& kernel, activation::Function function,
                   activation::GatedBackwardArgs args) noexcept;
void activate_backward(const Team::Worker& worker, const activation::BackwardVariant& kernel,
                       activation::Function function, activation::ApplyBackwardArgs args) noexcept;

}  // namespace lathe::ops
