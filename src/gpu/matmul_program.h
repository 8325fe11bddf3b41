// A variant compiled for a device, and what one product of it is given.
#pragma once

#include <memory>

#include "gpu/matmul.h"
#include "gpu/place.h"

namespace lathe::gpu {

// W and x begin at multiples of 16 bytes.
struct MatmulArgs {
  Place w, x, y;
  int64_t x_row = 0;  // floats from a row to the next; a multiple of 4
  int64_t y_row = 0;
  float alpha = 1.0f, beta = 0.0f;  // beta counts where the problem accumulates
  Place bias, residual;             // where the problem has them
  int64_t residual_row = 0;
};

class MatmulProgram {
 public:
  // unsupported, with the sentence, where the variant refuses.
  static Result<MatmulProgram> create(Device& device, const MatmulVariant& variant, const MatmulProblem& problem);

  const MatmulVariant& variant() const { return *variant_; }
  const MatmulProblem& problem() const { return problem_; }
  const PackedSize& weights() const { return size_; }

  // One dispatch. An operand that is missing, too small or not aligned is an error, and nothing is recorded.
  Status record(Recording& recording, const MatmulArgs& args) const;

 private:
  Status check(const MatmulArgs& args) const;

  const MatmulVariant* variant_ = nullptr;
  MatmulProblem problem_;
  PackedSize size_;
  Groups groups_;
  std::shared_ptr<Pipeline> pipeline_;
};

}  // namespace lathe::gpu
