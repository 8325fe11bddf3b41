// The loss of rows of logits, and in their place its gradient. Rows are divided. Ends without a barrier.
#pragma once

#include "kernels/loss/loss.h"
#include "platform/team.h"

namespace lathe::ops {

void cross_entropy(const Team::Worker& worker, const loss::Variant& kernel, loss::Args args) noexcept;

}  // namespace lathe::ops
