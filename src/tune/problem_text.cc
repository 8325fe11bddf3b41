#include "tune/problem_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/checked.h"

namespace lathe::tune {
namespace {

using matmul::Activation;
using matmul::Order;
using matmul::Problem;
using matmul::Type;

constexpr std::array kTypes = {Type::f32,  Type::bf16, Type::f16,      Type::q8_0,    Type::q4_0, Type::i8,
                               Type::s8,   Type::u8,   Type::s32,      Type::q8_a7,   Type::q4_1, Type::q4_k,
                               Type::q5_k, Type::q6_k, Type::bf16_b16, Type::bf16_d16};

struct LayoutWord {
  std::string_view text;
  Order order;
  bool a_transposed;
};
constexpr std::array kLayouts = {LayoutWord{"nk", Order::nk, false}, LayoutWord{"kn", Order::kn, false},
                                 LayoutWord{"tn", Order::kn, true}, LayoutWord{"tnk", Order::nk, true}};

// The word of a shapes file and what it stands for.
struct TypesWord {
  std::string_view text;
  Type a, w, c;
};
constexpr std::array kTypesWords = {TypesWord{"f32", Type::f32, Type::f32, Type::f32},
                                    TypesWord{"bf16", Type::f32, Type::bf16, Type::f32},
                                    TypesWord{"f16", Type::f32, Type::f16, Type::f32},
                                    TypesWord{"q8_0", Type::f32, Type::q8_0, Type::f32},
                                    TypesWord{"q4_0", Type::f32, Type::q4_0, Type::f32},
                                    TypesWord{"i8", Type::f32, Type::i8, Type::f32},
                                    TypesWord{"s8", Type::s8, Type::s8, Type::s32},
                                    TypesWord{"u8", Type::u8, Type::s8, Type::s32},
                                    TypesWord{"q8_a7", Type::f32, Type::q8_a7, Type::f32},
                                    TypesWord{"q4_1", Type::f32, Type::q4_1, Type::f32},
                                    TypesWord{"q4_k", Type::f32, Type::q4_k, Type::f32},
                                    TypesWord{"q5_k", Type::f32, Type::q5_k, Type::f32},
                                    TypesWord{"q6_k", Type::f32, Type::q6_k, Type::f32},
                                    TypesWord{"bf16_b16", Type::f32, Type::bf16_b16, Type::f32},
                                    TypesWord{"bf16_d16", Type::f32, Type::bf16_d16, Type::f32}};

struct ActivationWord {
  std::string_view text;
  Activation act;
  bool gated;
};
// The first word of an activation is the one that is written; gelu_erf is read as well.
constexpr std::array kActivations = {
    ActivationWord{"relu", Activation::relu, false},         ActivationWord{"gelu", Activation::gelu_erf, false},
    ActivationWord{"gelu_erf", Activation::gelu_erf, false}, ActivationWord{"gelu_tanh", Activation::gelu_tanh, false},
    ActivationWord{"silu", Activation::silu, false},         ActivationWord{"reglu", Activation::relu, true},
    ActivationWord{"geglu", Activation::gelu_erf, true},     ActivationWord{"geglu_tanh", Activation::gelu_tanh, true},
    ActivationWord{"swiglu", Activation::silu, true},        ActivationWord{"gated", Activation::none, true}};
constexpr std::string_view kEpilogueWords =
    "none, bias, col_scale, accumulate, relu, gelu, gelu_tanh, silu, reglu, geglu, geglu_tanh, swiglu, gated, residual";

template <class Words>
std::string joined(const Words& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : ", ") + std::string(word.text);
  return out;
}

// Sets the flag a step stands for; false where it is set already.
Status add_step(std::string_view step, Problem& problem, bool& activated) {
  struct Flag {
    std::string_view text;
    bool& flag;
  };
  for (const Flag& f : {Flag{"bias", problem.bias}, Flag{"residual", problem.residual},
                        Flag{"accumulate", problem.accumulate}, Flag{"col_scale", problem.col_scale}}) {
    if (step != f.text) continue;
    if (f.flag)
      return invalid_argument(fmt::format("epilogue names \"{}\" twice, needed: each step at most once", step));
    f.flag = true;
    return {};
  }
  for (const ActivationWord& word : kActivations) {
    if (step != word.text) continue;
    if (activated)
      return invalid_argument(fmt::format("epilogue has a second activation \"{}\", needed: at most one", step));
    activated = true;
    problem.act = word.act;
    problem.gated = word.gated;
    return {};
  }
  return invalid_argument(
      fmt::format("epilogue has the step \"{}\", needed: steps joined by + out of {}", step, kEpilogueWords));
}

// Bytes of `rows` rows of `k` weights; the quantised types lie in whole blocks along K.
std::optional<int64_t> weight_bytes(Type type, int64_t rows, int64_t k) {
  const int64_t blocks = ceil_div(k, matmul::kBlock);
  switch (type) {
    case Type::f32:
    case Type::s32:
      return checked_mul(rows, k, 4);
    case Type::bf16:
    case Type::f16:
      return checked_mul(rows, k, 2);
    case Type::bf16_b16:
    case Type::bf16_d16:
      return checked_mul(rows, blocks, 64);
    case Type::q8_0:
    case Type::q8_a7:
      return checked_mul(rows, blocks, 36);  // q8_a7 as packed
    case Type::q4_0:
      return checked_mul(rows, blocks, 18);
    case Type::q4_1:
    case Type::q4_k:
      return checked_mul(rows, blocks, 20);  // q4_k as packed has 18.5
    case Type::q5_k:
      return checked_mul(rows, blocks, 23);
    case Type::q6_k:
      return checked_mul(rows, blocks, 27);
    case Type::i8:
    case Type::s8:
    case Type::u8:
      return checked_mul(rows, k);
  }
  return std::nullopt;
}

}  // namespace

std::string_view layout_text(const Problem& problem) {
  for (const LayoutWord& word : kLayouts)
    if (word.order == problem.order && word.a_transposed == problem.a_transposed) return word.text;
  return "?";
}

Status parse_layout(std::string_view text, Problem& problem) {
  for (const LayoutWord& word : kLayouts) {
    if (text != word.text) continue;
    problem.order = word.order;
    problem.a_transposed = word.a_transposed;
    return {};
  }
  return invalid_argument(fmt::format("layout is \"{}\", needed: one of {}", text, joined(kLayouts)));
}

std::string types_text(const Problem& problem) {
  for (const TypesWord& word : kTypesWords)
    if (word.a == problem.a && word.w == problem.w && word.c == problem.c) return std::string(word.text);
  return fmt::format("{}*{}>{}", matmul::type_name(problem.a), matmul::type_name(problem.w),
                     matmul::type_name(problem.c));
}

Status parse_types(std::string_view text, Problem& problem) {
  for (const TypesWord& word : kTypesWords) {
    if (text != word.text) continue;
    problem.a = word.a;
    problem.w = word.w;
    problem.c = word.c;
    return {};
  }
  return invalid_argument(fmt::format("types is \"{}\", needed: one of {}", text, joined(kTypesWords)));
}

Result<Type> parse_type(std::string_view text) {
  std::string known;
  for (const Type type : kTypes) {
    if (text == matmul::type_name(type)) return type;
    known += (known.empty() ? "" : ", ") + std::string(matmul::type_name(type));
  }
  return invalid_argument(fmt::format("type is \"{}\", needed: one of {}", text, known));
}

std::string epilogue_text(const Problem& problem) {
  std::string out;
  const auto add = [&](std::string_view step) { out += (out.empty() ? "" : "+") + std::string(step); };
  if (problem.col_scale) add("col_scale");
  if (problem.accumulate) add("accumulate");
  if (problem.bias) add("bias");
  for (const ActivationWord& word : kActivations) {
    if (word.act != problem.act || word.gated != problem.gated) continue;
    add(word.text);
    break;
  }
  if (problem.residual) add("residual");
  return out.empty() ? "none" : out;
}

Status parse_epilogue(std::string_view text, Problem& problem) {
  Problem parsed = problem;
  parsed.bias = parsed.residual = parsed.accumulate = parsed.col_scale = parsed.gated = false;
  parsed.act = Activation::none;
  bool activated = false;
  if (text != "none") {
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('+', begin), text.size());
      if (const Status s = add_step(text.substr(begin, end - begin), parsed, activated); !s.ok()) return s;
      begin = end + 1;
    }
  }
  if (parsed.gated && parsed.accumulate)
    return invalid_argument("epilogue combines a gated activation with \"accumulate\", needed: one of the two");
  problem = parsed;
  return {};
}

std::string problem_text(const Problem& problem) {
  std::string out = fmt::format("{}x{}x{} {} {} {}", problem.m, problem.n, problem.k, types_text(problem),
                                layout_text(problem), problem.prepared ? "prepared" : "unprepared");
  if (problem.batch != 1) out += fmt::format(" batch {}", problem.batch);
  if (const std::string epilogue = epilogue_text(problem); epilogue != "none") out += " " + epilogue;
  return out;
}

bool same_problem(const Problem& x, const Problem& y) noexcept {
  return x.m == y.m && x.n == y.n && x.k == y.k && x.a == y.a && x.w == y.w && x.c == y.c && x.order == y.order &&
         x.a_transposed == y.a_transposed && x.prepared == y.prepared && x.batch == y.batch && x.gated == y.gated &&
         x.act == y.act && x.bias == y.bias && x.residual == y.residual && x.accumulate == y.accumulate &&
         x.col_scale == y.col_scale;
}

Result<OperandBytes> operand_bytes(const Problem& p) {
  const auto columns = checked_mul(p.n, p.gated ? 2 : 1);
  const auto a = weight_bytes(p.a, p.m, p.k), c = weight_bytes(p.c, p.m, p.n);
  const auto w = columns ? weight_bytes(p.w, *columns, p.k) : std::nullopt;
  const auto batch_a = a ? checked_mul(*a, p.batch) : std::nullopt;
  const auto batch_c = c ? checked_mul(*c, p.batch) : std::nullopt;
  // A prepared weight is shared by the batch.
  const auto batch_w = w ? checked_mul(*w, p.prepared ? 1 : p.batch) : std::nullopt;
  const auto ac = batch_a && batch_c ? checked_add(*batch_a, *batch_c) : std::nullopt;
  if (!ac || !batch_w || !checked_add(*ac, *batch_w) || !checked_mul(p.m, *columns, p.k, p.batch))
    return invalid_argument("sizes multiply to more than 63 bits hold");
  return OperandBytes{*batch_a, *batch_w, *batch_c};
}

}  // namespace lathe::tune
