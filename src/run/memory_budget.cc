#include "run/memory_budget.h"

#include <algorithm>
#include <string>

namespace lathe::run {
namespace {

std::string mebibytes(int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + "M"; }

}  // namespace

Result<int64_t> tokens_within(const MemoryBudget& budget, const std::function<Result<int64_t>(int64_t)>& pass_bytes) {
  const auto least = pass_bytes(budget.least);
  if (!least) return least;
  const int64_t needed = std::max(budget.base + *least, budget.peak);
  if (needed > budget.limit)
    return invalid_argument("the limit of memory is " + mebibytes(budget.limit) + ", needed: at least " +
                            mebibytes(needed) + ", for the model and one text of " + std::to_string(budget.least) +
                            " tokens" + (budget.peak >= needed ? " (opening the model took as much)" : ""));
  int64_t fits = budget.least, most = std::max(budget.least, budget.wanted);
  while (fits < most) {
    const int64_t tokens = fits + (most - fits + 1) / 2;
    const auto bytes = pass_bytes(tokens);
    if (!bytes) return bytes;
    if (budget.base + *bytes <= budget.limit)
      fits = tokens;
    else
      most = tokens - 1;
  }
  return fits;
}

}  // namespace lathe::run
