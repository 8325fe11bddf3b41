#include "ops/device_products.h"

#include <algorithm>

#include "ops/device_choice.h"

namespace lathe::ops {
namespace {

using gpu::AdditionOrder;
using gpu::MatmulProblem;
using gpu::MatmulVariant;

// Whether each count of rows up to `most` has a row of this order.
bool has_rows_to(int64_t most, const AdditionOrder& order, MatmulProblem problem, const gpu::DeviceInfo& device) {
  for (problem.m = 2; problem.m <= most; ++problem.m)
    if (!choose_product(problem, device, order).ok()) return false;
  return true;
}

}  // namespace

// What a plan names is looked at again: it was measured by a build with other limits, perhaps.
std::vector<const MatmulVariant*> DeviceProducts::usable(const MatmulProblem& problem) const {
  if (!measured_) return {};
  std::vector<const MatmulVariant*> rows = measured_(device_, problem);
  std::erase_if(rows, [&](const MatmulVariant* row) {
    return row->layout != kProductLayout || !gpu::matmul_refusal(*row, problem, device_).empty();
  });
  return rows;
}

Result<AdditionOrder> DeviceProducts::order_of(const MatmulProblem& problem) const {
  MatmulProblem like = problem;
  if (problem.m <= kFewRows) {
    like.m = 1;
    for (const MatmulVariant* row : usable(like))
      if (has_rows_to(kFewRows, row->order, like, device_)) return row->order;
  }
  const auto listed = choose_product(like, device_);
  if (!listed) return listed.status();
  return (*listed)->order;
}

Result<const MatmulVariant*> DeviceProducts::choose(const MatmulProblem& problem) {
  const auto before = std::ranges::find(chosen_, problem, &ProductRow::problem);
  if (before != chosen_.end()) return before->variant;
  const auto order = order_of(problem);
  if (!order) return order.status();
  const auto rows = usable(problem);
  const auto fastest = std::ranges::find(rows, *order, &MatmulVariant::order);
  const bool measured = fastest != rows.end();
  const auto row = measured ? Result<const MatmulVariant*>(*fastest) : choose_product(problem, device_, *order);
  if (row) chosen_.push_back({problem, *row, measured});
  return row;
}

int64_t DeviceProducts::chosen_as_measured() const { return std::ranges::count(chosen_, true, &ProductRow::measured); }

}  // namespace lathe::ops
