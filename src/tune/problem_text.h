// The words for a matmul problem that shapes files, plan files, reports and command lines share.
#pragma once

#include <string>
#include <string_view>

#include "kernels/matmul/matmul.h"
#include "lathe/status.h"

namespace lathe::tune {

// nk | kn | tn (A given as [K,M], W as [K,N]) | tnk (A given as [K,M], W as [N,K]).
std::string_view layout_text(const matmul::Problem& problem);
Status parse_layout(std::string_view text, matmul::Problem& problem);

// One word where the weight type implies the others ("q8_0": f32 by q8_0 into f32; "u8": u8 by s8 into s32), else
// "a*w>c".
std::string types_text(const matmul::Problem& problem);
// One of the words above.
Status parse_types(std::string_view text, matmul::Problem& problem);
Result<matmul::Type> parse_type(std::string_view text);

// "none", or steps joined by "+" in the order they are applied: "bias+gelu+residual".
std::string epilogue_text(const matmul::Problem& problem);
// The steps in any order, each at most once, one activation at most.
Status parse_epilogue(std::string_view text, matmul::Problem& problem);

// Everything of a problem in one line: "17x4096x1024 f32 nk prepared bias+gelu".
std::string problem_text(const matmul::Problem& problem);

// Every field is equal.
bool same_problem(const matmul::Problem& x, const matmul::Problem& y) noexcept;

// Bytes of A, W and C of one problem (all of the batch), nothing where they do not fit in 63 bits.
struct OperandBytes {
  int64_t a = 0, w = 0, c = 0;
  int64_t total() const { return a + w + c; }
};
Result<OperandBytes> operand_bytes(const matmul::Problem& problem);

}  // namespace lathe::tune
