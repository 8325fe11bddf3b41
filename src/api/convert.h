// Public enumerations and structs into those of the rooms below.
#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "kernels/matmul/matmul.h"
#include "lathe/matmul.h"
#include "lathe/status.h"

namespace lathe::api {

// The enumerators are the same on both sides; a number outside of them is an error that names `field`.
Result<matmul::Type> type_of(DataType type, const char* field);
Result<matmul::Order> order_of(WeightOrder order, const char* field);
Result<matmul::Problem> problem_of(const MatmulProblem& problem);

// The one of `known` that stands where `value` does in its enumeration.
template <class Theirs, class Ours, size_t count>
Status convert(Theirs value, const char* field, const std::array<Ours, count>& known, Ours& out) {
  const auto at = static_cast<size_t>(value);
  if (at >= count)
    return invalid_argument(std::string(field) + " is " + std::to_string(at) + ", needed: one of the " +
                            std::to_string(count) + " of its enumeration");
  out = known[at];
  return {};
}

// Where in the folder of a caller's cache what a device has compiled is kept; empty where there is none.
inline std::string pipelines_in(const std::string& cache) { return cache.empty() ? cache : cache + "/pipelines"; }

}  // namespace lathe::api
