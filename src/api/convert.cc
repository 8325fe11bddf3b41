#include "api/convert.h"

#include <string>

namespace lathe::api {
namespace {

constexpr bool same(DataType x, matmul::Type y) { return static_cast<int>(x) == static_cast<int>(y); }
static_assert(same(DataType::f32, matmul::Type::f32) && same(DataType::bf16, matmul::Type::bf16) &&
              same(DataType::f16, matmul::Type::f16) && same(DataType::q8_0, matmul::Type::q8_0) &&
              same(DataType::q4_0, matmul::Type::q4_0) && same(DataType::i8, matmul::Type::i8) &&
              same(DataType::s8, matmul::Type::s8) && same(DataType::u8, matmul::Type::u8) &&
              same(DataType::s32, matmul::Type::s32) && same(DataType::q8_a7, matmul::Type::q8_a7) &&
              same(DataType::q4_1, matmul::Type::q4_1) && same(DataType::q4_k, matmul::Type::q4_k) &&
              same(DataType::q5_k, matmul::Type::q5_k) && same(DataType::q6_k, matmul::Type::q6_k) &&
              same(DataType::bf16_b16, matmul::Type::bf16_b16) && same(DataType::bf16_d16, matmul::Type::bf16_d16));
static_assert(static_cast<int>(WeightOrder::nk) == static_cast<int>(matmul::Order::nk) &&
              static_cast<int>(WeightOrder::kn) == static_cast<int>(matmul::Order::kn));

constexpr bool same(Activation x, matmul::Activation y) { return static_cast<int>(x) == static_cast<int>(y); }
static_assert(same(Activation::none, matmul::Activation::none) && same(Activation::relu, matmul::Activation::relu) &&
              same(Activation::gelu_erf, matmul::Activation::gelu_erf) &&
              same(Activation::gelu_tanh, matmul::Activation::gelu_tanh) &&
              same(Activation::silu, matmul::Activation::silu));

// `value` as the enumeration `To`, whose last enumerator is `last`.
template <class To, class From>
Result<To> enumerator(From value, From last, const char* field) {
  if (value > last)
    return invalid_argument(std::string(field) + " is the number " + std::to_string(static_cast<int>(value)) +
                            "; it must be an enumerator, the last of which is " +
                            std::to_string(static_cast<int>(last)));
  return static_cast<To>(value);
}

}  // namespace

Result<matmul::Type> type_of(DataType type, const char* field) {
  return enumerator<matmul::Type>(type, DataType::bf16_d16, field);
}

Result<matmul::Order> order_of(WeightOrder order, const char* field) {
  return enumerator<matmul::Order>(order, WeightOrder::kn, field);
}

Result<matmul::Problem> problem_of(const MatmulProblem& x) {
  const auto a = type_of(x.a, "the problem's type of a");
  if (!a) return a.status();
  const auto w = type_of(x.w, "the problem's type of w");
  if (!w) return w.status();
  const auto c = type_of(x.c, "the problem's type of c");
  if (!c) return c.status();
  const auto order = order_of(x.order, "the problem's order");
  if (!order) return order.status();
  const auto act = enumerator<matmul::Activation>(x.activation, Activation::silu, "the problem's activation");
  if (!act) return act.status();
  matmul::Problem p;
  p.m = x.m;
  p.n = x.n;
  p.k = x.k;
  p.a = *a;
  p.w = *w;
  p.c = *c;
  p.order = *order;
  p.a_transposed = x.a_transposed;
  p.prepared = x.prepared;
  p.batch = x.batch;
  p.gated = x.gated;
  p.act = *act;
  p.bias = x.bias;
  p.residual = x.residual;
  p.accumulate = x.accumulate;
  p.col_scale = x.column_scale;
  return p;
}

}  // namespace lathe::api
