// Which rows of the table a model's products take on a device: what was measured there, within what keeps bits.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "gpu/matmul.h"

namespace lathe::ops {

// The rows that were measured for a product on a device, the fastest first; none where nothing was.
using MeasuredRows =
    std::function<std::vector<const gpu::MatmulVariant*>(const gpu::DeviceInfo&, const gpu::MatmulProblem&)>;

struct ProductRow {
  gpu::MatmulProblem problem;
  const gpu::MatmulVariant* variant = nullptr;
  bool measured = false;  // else of the list that stands where nothing was
};

// Rows of one layout, panels, so that weights lie on the device once. An order of addition is kept by
//   up to kFewRows rows of x   the order of the fastest row for one row of x that has rows for the others too, so
//                              that a text's bits do not depend on how many texts share a pass
//   more                       that of the list's row
// and of the rows that keep it the fastest is taken.
class DeviceProducts {
 public:
  static constexpr int64_t kFewRows = 16;

  explicit DeviceProducts(const gpu::DeviceInfo& device, MeasuredRows measured = {})
      : device_(device), measured_(std::move(measured)) {}

  // The same answer whenever it is asked. unsupported, with the refusals, where the device runs none.
  Result<const gpu::MatmulVariant*> choose(const gpu::MatmulProblem& problem);
  // What was asked for so far, each product once.
  std::span<const ProductRow> chosen() const { return chosen_; }
  int64_t chosen_as_measured() const;

 private:
  std::vector<const gpu::MatmulVariant*> usable(const gpu::MatmulProblem& problem) const;
  Result<gpu::AdditionOrder> order_of(const gpu::MatmulProblem& problem) const;

  const gpu::DeviceInfo& device_;
  MeasuredRows measured_;
  std::vector<ProductRow> chosen_;
};

}  // namespace lathe::ops
