#include "ops/device_choice.h"

#include <fmt/format.h>

namespace lathe::ops {
namespace {

// In order of preference: the first that does not refuse. No GPU in hardware has measured them; four threads of a
// column come first because a decoder's products have few columns, and many groups of threads hide what memory takes.
constexpr const char* kProducts[] = {"columns.{}.64x256",    "columns.{}.64x256.m2",  "columns.{}.64x256.m4",
                                     "columns.{}.64x256.m8", "columns.{}.64x256.m16", "columns.{}.64x64",
                                     "columns.{}.64x64.m2",  "columns.{}.64x64.m4",   "columns.{}.64x64.m8",
                                     "columns.{}.64x64.m16", "tiled.{}.64x64",        "tiled.{}.32x32"};

// Tiles of more rows would be half empty. The sums are the same: one chain over k in both.
constexpr int64_t kFewRows = 32;

}  // namespace

Result<const gpu::MatmulVariant*> choose_product(const gpu::MatmulProblem& problem, const gpu::DeviceInfo& device,
                                                 std::optional<gpu::AdditionOrder> order) {
  std::string refusals;
  for (const char* pattern : kProducts) {
    const std::string name = fmt::format(fmt::runtime(pattern), gpu::type_name(problem.w));
    const gpu::MatmulVariant* const variant = gpu::find_matmul_variant(name);
    if (variant == nullptr) return failed(name + " is no product of the table");
    if (order && variant->order != *order) continue;
    if (problem.m <= kFewRows && variant->geometry.tile_m > kFewRows) continue;
    const std::string why = gpu::matmul_refusal(*variant, problem, device);
    if (why.empty()) return variant;
    refusals += (refusals.empty() ? "" : "; ") + name + ": " + why;
  }
  return unsupported(fmt::format("the device runs no product of {} x {} x {} {}: {}", problem.m, problem.n, problem.k,
                                 gpu::type_name(problem.w),
                                 refusals.empty() ? "there is none of that order of addition" : refusals));
}

Result<const gpu::StepVariant*> choose_step(gpu::StepOp op, const StepNeeds& needs, const gpu::DeviceInfo& device) {
  std::string refusals;
  for (const gpu::StepVariant& variant : gpu::step_variants()) {
    if (variant.op != op || variant.threads < needs.threads) continue;
    if (variant.most_dim > 0 && variant.most_dim < needs.dim) continue;
    if (op == gpu::StepOp::gather_rows && (variant.w != needs.w || variant.layout != needs.layout)) continue;
    if (op == gpu::StepOp::rotate_rows && variant.interleaved != needs.interleaved) continue;
    const std::string why = gpu::step_refusal(variant, device);
    if (why.empty()) return &variant;
    refusals += (refusals.empty() ? "" : "; ") + variant.name + ": " + why;
  }
  return unsupported("the device runs none of an op's kernels: " +
                     (refusals.empty() ? "there is none so wide" : refusals));
}

}  // namespace lathe::ops
