// Whether what a contender left in C is the product, before it may be timed.
#pragma once

#include <string>

#include "probe/reference.h"

namespace lathe::probe {

struct Verdict {
  bool correct = false;
  std::string reason;  // of a wrong one: the worst output, what it is and what it should be
  double max_rel = 0;  // the largest error, relative to |a_i| |w_j| and what the epilogue adds
  double nmse = 0;     // sum of squared errors over the sum of squares
};

// Operands::c, after the problem's epilogue.
Verdict verify(const Operands& operands, const Reference& reference, Numerics numerics);
// Operands::plain, the bare f32 product of all columns.
Verdict verify_plain(const Operands& operands, const Reference& reference);

// A hash of all of Operands::c, for comparing bits.
uint64_t hash_of_c(const Operands& operands);

}  // namespace lathe::probe
