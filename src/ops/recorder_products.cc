// Products of the recorder: the plan's problem in the device's terms.
#include "ops/recorder_executor.h"

namespace lathe::ops {
namespace {

gpu::Activation activation_of(matmul::Activation activation) {
  switch (activation) {
    case matmul::Activation::relu:
      return gpu::Activation::relu;
    case matmul::Activation::gelu_erf:
      return gpu::Activation::gelu_erf;
    case matmul::Activation::gelu_tanh:
      return gpu::Activation::gelu_tanh;
    case matmul::Activation::silu:
      return gpu::Activation::silu;
    case matmul::Activation::none:
      break;
  }
  return gpu::Activation::none;
}

std::optional<gpu::WeightType> type_of(matmul::Type type) {
  switch (type) {
    case matmul::Type::f32:
      return gpu::WeightType::f32;
    case matmul::Type::f16:
      return gpu::WeightType::f16;
    case matmul::Type::q8_0:
      return gpu::WeightType::q8_0;
    case matmul::Type::q4_0:
      return gpu::WeightType::q4_0;
    default:
      return std::nullopt;
  }
}

Result<gpu::MatmulProblem> problem_of(const matmul::Problem& p) {
  const auto w = type_of(p.w);
  if (!w)
    return unsupported("weights of " + std::string(matmul::type_name(p.w)) +
                       ": the device takes f32, f16, q8_0 and q4_0, which --dtype makes of any model, and `lathe "
                       "quantize` as a file");
  if (p.batch != 1 || p.a_transposed || !p.prepared || p.col_scale || p.a != matmul::Type::f32 ||
      p.c != matmul::Type::f32)
    return unsupported("a product of activations or of columns with scales: the device multiplies by weights");
  gpu::MatmulProblem problem;
  problem.m = p.m, problem.n = p.n, problem.k = p.k;
  problem.w = *w;
  problem.gated = p.gated;
  problem.act = activation_of(p.act);
  problem.bias = p.bias, problem.residual = p.residual, problem.accumulate = p.accumulate;
  return problem;
}

}  // namespace

void RecorderExecutor::matmul(const char*, const MatmulPlan& plan, const MatmulOperands& x, std::byte*) {
  if (!ok()) return;
  const auto problem = problem_of(plan.problem());
  if (!problem) return fail(problem.status());
  const auto variant = products_.choose(*problem);
  if (!variant) return fail(variant.status());
  const auto w = memory_.weights(*x.weights);
  if (!w) return fail(w.status());
  const auto program = gpu::MatmulProgram::create(memory_.device(), **variant, *problem);
  if (!program) return fail(program.status());
  const int64_t m = problem->m, n = problem->n;
  gpu::MatmulArgs args;
  args.w = *w;
  args.x = floats(static_cast<const float*>(x.a), (m - 1) * x.lda + problem->k);
  args.x_row = x.lda;
  args.y = floats(static_cast<const float*>(x.c), (m - 1) * x.ldc + n);
  args.y_row = x.ldc;
  args.alpha = x.epilogue.alpha, args.beta = x.epilogue.beta;
  if (problem->bias) args.bias = constant(x.epilogue.bias, problem->gated ? 2 * n : n);
  if (problem->residual) args.residual = floats(x.epilogue.residual, (m - 1) * x.epilogue.residual_ld + n);
  args.residual_row = x.epilogue.residual_ld;
  if (gpu::Recording* const to = recording()) fail(program->record(*to, args));
  end_op();
}

}  // namespace lathe::ops
