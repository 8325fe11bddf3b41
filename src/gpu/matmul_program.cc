#include "gpu/matmul_program.h"

#include <fmt/format.h>

namespace lathe::gpu {
namespace {

constexpr uint32_t kBias = 1, kResidual = 2, kBeta = 4;  // epilogue.glsl

// `Arguments` of product.glsl, std430.
struct Push {
  uint64_t w, scale, x, y, bias, residual;
  uint32_t m, n, k, units, scales, x_vectors, y_row, residual_row;
  float alpha, beta;
  uint32_t steps, activation;
};
static_assert(sizeof(Push) == 96 && sizeof(Push) <= kPushBytes);

Status check_rows(const char* name, int64_t row, int64_t least) {
  if (row >= least && row <= INT32_MAX) return {};
  return invalid_argument(fmt::format("rows of {} are {} floats apart, needed: {} or more", name, row, least));
}

}  // namespace

Result<MatmulProgram> MatmulProgram::create(Device& device, const MatmulVariant& variant,
                                            const MatmulProblem& problem) {
  if (std::string why = matmul_refusal(variant, problem, device.info()); !why.empty())
    return unsupported(variant.name + ": " + why);
  MatmulProgram program;
  program.variant_ = &variant;
  program.problem_ = problem;
  const auto size = packed_size(variant.w, variant.layout, problem.gated ? 2 * problem.n : problem.n, problem.k);
  if (!size) return size.status();
  program.size_ = *size;
  program.groups_ = matmul_groups(variant, problem, device.info());
  auto pipeline = device.create_pipeline(matmul_pipeline(variant, problem, device.info()));
  if (!pipeline) return pipeline.status();
  program.pipeline_ = std::move(*pipeline);
  return program;
}

Status MatmulProgram::check(const MatmulArgs& a) const {
  const MatmulProblem& p = problem_;
  const auto rows_bytes = [&](int64_t row, int64_t last) { return ((p.m - 1) * row + last) * 4; };
  Status s = check_rows("x", a.x_row, (p.k + 3) / 4 * 4);
  if (s.ok() && a.x_row % 4 != 0)
    s = invalid_argument(fmt::format("rows of x are {} floats apart, needed: a multiple of 4", a.x_row));
  if (s.ok()) s = check_rows("y", a.y_row, p.n);
  if (s.ok()) s = check_place("W", a.w, size_.bytes, 16);
  if (s.ok()) s = check_place("x", a.x, rows_bytes(a.x_row, (p.k + 3) / 4 * 4), 16);
  if (s.ok()) s = check_place("y", a.y, rows_bytes(a.y_row, p.n), 4);
  if (s.ok() && p.bias) s = check_place("the bias", a.bias, (p.gated ? 2 * p.n : p.n) * 4, 4);
  if (s.ok() && p.residual) s = check_rows("the residual", a.residual_row, p.n);
  if (s.ok() && p.residual) s = check_place("the residual", a.residual, rows_bytes(a.residual_row, p.n), 4);
  return s;
}

Status MatmulProgram::record(Recording& recording, const MatmulArgs& a) const {
  if (Status s = check(a); !s.ok()) return s;
  const MatmulProblem& p = problem_;
  const auto u32 = [](int64_t value) { return static_cast<uint32_t>(value); };
  Push push{};
  push.w = address_of(a.w);
  push.scale = push.w + static_cast<uint64_t>(size_.scales_at);
  push.x = address_of(a.x), push.y = address_of(a.y);
  push.bias = address_of(a.bias), push.residual = address_of(a.residual);
  push.m = u32(p.m), push.n = u32(p.n), push.k = u32(p.k);
  push.units = u32(size_.units), push.scales = u32(size_.scales);
  push.x_vectors = u32(a.x_row / 4), push.y_row = u32(a.y_row), push.residual_row = u32(a.residual_row);
  push.alpha = a.alpha, push.beta = a.beta;
  push.steps = (p.bias ? kBias : 0) | (p.residual ? kResidual : 0) | (p.accumulate ? kBeta : 0);
  push.activation = static_cast<uint32_t>(p.act);
  recording.dispatch(*pipeline_, std::as_bytes(std::span(&push, 1)), groups_);
  return {};
}

}  // namespace lathe::gpu
