#include "ops/device_choice.h"

#include <fmt/format.h>

#include "base/checked.h"

namespace lathe::ops {
namespace {

// In order of preference: the first that does not refuse; matrix units round x to f16. No GPU in hardware has measured
// them; four threads of a column come first because a decoder's products have few columns, and many groups of threads
// hide what memory takes.
constexpr const char* kProducts[] = {"columns.{}.64x256",
                                     "columns.{}.64x256.m2",
                                     "columns.{}.64x256.m4",
                                     "columns.{}.64x256.m8",
                                     "columns.{}.64x256.m16",
                                     "columns.{}.64x64",
                                     "columns.{}.64x64.m2",
                                     "columns.{}.64x64.m4",
                                     "columns.{}.64x64.m8",
                                     "columns.{}.64x64.m16",
                                     "cooperative.{}.128x128.16x16x16",
                                     "cooperative.{}.64x64.16x16x16",
                                     "cooperative.{}.32x64.16x16x16",
                                     "cooperative.{}.128x128.8x16x16",
                                     "cooperative.{}.64x64.8x16x16",
                                     "cooperative.{}.32x64.8x16x16",
                                     "cooperative.{}.128x128.8x8x16",
                                     "cooperative.{}.64x64.8x8x16",
                                     "cooperative.{}.32x64.8x8x16",
                                     "cooperative.{}.32x16.8x8x8",
                                     "tiled.{}.64x64",
                                     "tiled.{}.32x32"};

// Tiles that are half empty, and large ones of which there are too few for a large GPU, leave it idle. The next in the
// list is of the same order of addition.
constexpr int64_t kLargeTile = 64, kManyTiles = 128;
bool leaves_idle(const gpu::Geometry& g, const gpu::MatmulProblem& p) {
  if (g.tile_m > 16 && p.m <= g.tile_m / 2) return true;
  return g.tile_m > kLargeTile && ceil_div(p.m, g.tile_m) * ceil_div(p.n, g.tile_n) < kManyTiles;
}

}  // namespace

Result<const gpu::MatmulVariant*> choose_product(const gpu::MatmulProblem& problem, const gpu::DeviceInfo& device,
                                                 std::optional<gpu::AdditionOrder> order) {
  std::string refusals;
  for (const char* pattern : kProducts) {
    const std::string name = fmt::format(fmt::runtime(pattern), gpu::type_name(problem.w));
    const gpu::MatmulVariant* const variant = gpu::find_matmul_variant(name);
    if (variant == nullptr) continue;  // of f32 there are none on matrix units
    if (order && variant->order != *order) continue;
    if (leaves_idle(variant->geometry, problem)) continue;
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
