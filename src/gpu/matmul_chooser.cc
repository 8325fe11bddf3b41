#include "gpu/matmul_chooser.h"

#include <fmt/format.h>

namespace lathe::gpu {
namespace {

// The reason of the first row that is for such weights stands for all.
std::string why_none(const MatmulProblem& p, std::optional<WeightLayout> layout, const DeviceInfo& device) {
  for (const MatmulVariant& v : matmul_variants())
    if (v.w == p.w && (!layout || v.layout == *layout))
      if (std::string why = matmul_refusal(v, p, device); !why.empty()) return v.name + ": " + why;
  return "there is no row of such weights";
}

}  // namespace

// What a plan names is looked at again: it was measured by another version of the driver, perhaps.
const MatmulVariant* MatmulChooser::wanted(const MatmulProblem& problem, std::optional<WeightLayout> layout) const {
  const MatmulVariant* planned = plan_ ? plan_(problem, layout) : nullptr;
  if (planned != nullptr && (!layout || planned->layout == *layout) &&
      matmul_refusal(*planned, problem, device_->info()).empty())
    return planned;
  return default_matmul_variant(problem, device_->info(), layout);
}

Result<MatmulChooser::Choice> MatmulChooser::choose(const MatmulProblem& problem, std::optional<WeightLayout> layout) {
  const DeviceInfo& info = device_->info();
  const MatmulVariant* best = wanted(problem, layout);
  if (best == nullptr)
    return unsupported(fmt::format("vulkan:{}: no kernel takes a product of {} x {} x {} with weights of {}{}, as {}",
                                   info.index, problem.m, problem.n, problem.k, type_name(problem.w),
                                   layout ? fmt::format(" in {}", layout_name(*layout)) : "",
                                   why_none(problem, layout, info)));
  const PipelineSpec spec = matmul_pipeline(*best, problem, info);
  const MatmulVariant* generic =
      compiling_ == Compiling::background ? default_matmul_variant(problem, info, best->layout) : nullptr;
  if (generic != nullptr && generic != best && !device_->pipeline_ready(spec)) {
    device_->prepare_pipeline(spec);
    return Choice{generic, false};
  }
  if (auto compiled = device_->create_pipeline(spec); !compiled) return compiled.status();
  return Choice{best, true};
}

}  // namespace lathe::gpu
