#include "tune/device_problem.h"

#include <string>

namespace lathe::tune {

Result<gpu::MatmulProblem> device_problem(const matmul::Problem& p) {
  using matmul::Type;
  const auto no = [](const std::string& what) { return unsupported("on a GPU: " + what); };
  if (p.a != Type::f32 || p.c != Type::f32) return no("activations and outputs are f32");
  if (p.order != matmul::Order::nk || p.a_transposed) return no("W is [N,K] and A [M,K]");
  if (!p.prepared) return no("weights are prepared");
  if (p.batch != 1) return no("products of a batch are not one dispatch");
  if (p.col_scale) return no("columns have no scale of their own");
  gpu::MatmulProblem d;
  switch (p.w) {
    case Type::f32:
      d.w = gpu::WeightType::f32;
      break;
    case Type::f16:
      d.w = gpu::WeightType::f16;
      break;
    case Type::q8_0:
      d.w = gpu::WeightType::q8_0;
      break;
    case Type::q4_0:
      d.w = gpu::WeightType::q4_0;
      break;
    default:
      return no("weights are f32, f16, q8_0 or q4_0");
  }
  d.m = p.m, d.n = p.n, d.k = p.k;
  d.gated = p.gated, d.bias = p.bias, d.residual = p.residual, d.accumulate = p.accumulate;
  d.act = static_cast<gpu::Activation>(p.act);
  return d;
}

matmul::Problem kernel_problem(const gpu::MatmulProblem& d) {
  using matmul::Type;
  constexpr Type kTypes[] = {Type::f32, Type::f16, Type::q8_0, Type::q4_0};
  static_assert(std::size(kTypes) == gpu::kWeightTypes);
  matmul::Problem p;
  p.m = d.m, p.n = d.n, p.k = d.k;
  p.w = kTypes[static_cast<size_t>(d.w)];
  p.prepared = true;
  p.gated = d.gated, p.bias = d.bias, p.residual = d.residual, p.accumulate = d.accumulate;
  p.act = static_cast<matmul::Activation>(d.act);
  return p;
}

static_assert(static_cast<int>(matmul::Activation::silu) == static_cast<int>(gpu::Activation::silu) &&
              static_cast<int>(matmul::Activation::gelu_erf) == static_cast<int>(gpu::Activation::gelu_erf));

}  // namespace lathe::tune
