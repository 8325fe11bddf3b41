// Matrix products for applications: weights prepared once, a kernel chosen per shape, the work divided among threads.
//
//   C[i,j] = epilogue( sum over k of A[i,k] * W[k,j] )      0 <= i < M, 0 <= j < N, 0 <= k < K, each at least 1
//
//   auto engine  = lathe::Engine::create();
//   auto weights = lathe::PreparedWeights::prepare(*engine, {.n = 4096, .k = 1024, .data = w});       // once
//   auto product = lathe::Matmul::create(*engine, {.m = 17, .n = 4096, .k = 1024});                  // once per shape
//   lathe::Status status = product->run({.a = a, .weights = &*weights, .c = c});                     // every time
//
// ORDER OF ADDITION. Every output is one chain over k = 0 .. K-1 that depends on K and on the numerics alone: not on
// M, the batch, the number of threads, the instruction set or the kernel. A row of C has the same bits whether it is
// computed alone or among others. MatmulVariant::numerics names the chain; kernels of equal numerics give equal bits,
// and dispatch never leaves the numerics of the weights' type:
//   f32   f32, bf16, f16 weights: acc = fma(a[k], w[k], acc), k ascending, from +0; 16-bit weights are widened exactly.
//   a16   q8_0 weights: activations are quantised to 16 bits per row and 32 k, integer products within a block are
//         exact, blocks are added in f32, ascending.
//   a8    q4_0, q4_1, q4_k, q5_k, q6_k weights: as a16 with activations of 8 bits.
//   a7    q8_a7 weights: as a16 with activations of 7 bits, 128 levels between the least and the largest of 32 k.
//   a16r  i8 weights: activations are quantised per row to the widest integer that cannot overflow, the sum is exact.
//   b16   bf16_b16 weights: activations are rounded to bf16; of each 32 k the even and the odd ones are two chains of
//         fma, whose sum is added to what came before; subnormal numbers are zeros.
//   d16   bf16_d16 weights: activations are rounded to bf16; pairs of products are summed and added with rounding to
//         odd, as Arm's instructions for bf16 do. Fast where the CPU has these, a hundred times slower elsewhere.
//   s32   s8 weights, s8 or u8 activations: exact integers.
// NaN and infinity flow through as IEEE 754 says; with quantised activations they make the whole output row NaN.
//
// UNITS. Sizes and strides are in elements, never bytes. A stride of 0 stands for the dense one. 16-bit floats are
// passed as their bits (two bytes each, native order).
//
// ERRORS. Bad input is a Status with one sentence that names the field, what was found and what was needed; nothing
// throws and nothing is written to C then: invalid_argument (the request contradicts itself), unsupported (no kernel
// here takes it), not_found (a name, a file), out_of_memory. That a pointer leads to enough memory cannot be checked.
//
// THREADS. Engine, PreparedWeights and Matmul may be used by several threads at once; products of one engine wait for
// one another. For products side by side create several engines. A moved-from object may only be assigned or destroyed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe {

enum class DataType : uint8_t {
  f32,
  bf16,
  f16,
  q8_0,  // weights: blocks of 32 along K, an f16 scale and 32 signed bytes (GGUF)
  q4_0,  // weights: blocks of 32 along K, an f16 scale and 32 four-bit numbers less 8 (GGUF)
  i8,    // weights: signed bytes with one f32 scale per output column
  s8,    // plain integers
  u8,
  s32,
  q8_a7,  // weights: as q8_0, to be multiplied by activations of 7 bits: less exact than q8_0 and faster
  q4_1,   // weights: blocks of 32 along K, an f16 scale, an f16 minimum and 32 four-bit numbers (GGUF)
  q4_k,   // weights: super-blocks of 256 along K (GGUF's Q4_K, Q5_K, Q6_K)
  q5_k,
  q6_k,
  bf16_b16,  // weights: as bf16, to be multiplied by activations that are rounded to bf16
  bf16_d16,  // weights: the same with the rounding of Arm's instructions
};

enum class WeightOrder : uint8_t {
  nk,  // [N,K]: row j holds the K weights of output j (PyTorch's Linear, GGUF)
  kn,  // [K,N]
};

enum class Activation : uint8_t { none, relu, gelu_erf, gelu_tanh, silu };

struct EngineOptions {
  int threads = 0;  // 0: what the machine recommends (cores, affinity mask, cgroup quota); the caller is one of them
  std::string plan = {};  // a file that `lathe probe` kept: its choices go before the defaults. Empty: none
};

// The threads, and the memory they work in. A handle: copies share one engine, and what was created from it keeps it.
class Engine {
 public:
  // A plan that is not there, damaged, or measured on another CPU or build is an error, not a silent default: create
  // the engine without one to go on.
  static Result<Engine> create(const EngineOptions& options = {});

  int threads() const;

 private:
  friend class PreparedWeights;
  friend class Matmul;
  struct Impl;
  explicit Engine(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

// Weights where they lie now. Nothing of it is kept.
struct WeightsView {
  DataType type = DataType::f32;  // f32, bf16, f16, i8, s8 or blocks
  WeightOrder order = WeightOrder::nk;
  int64_t n = 0, k = 0;
  int64_t ld = 0;  // from row to row: at least K for nk, N for kn. Blocks are nk, dense, K in whole blocks
  const void* data = nullptr;
  const float* scale = nullptr;  // i8: [N]
};

// Weights in the layout that kernels read: panels of 16 columns. They take about the memory of their type.
class PreparedWeights {
 public:
  // Packs with all threads of the engine, about at the speed of a copy for f32. Any engine may use the result.
  static Result<PreparedWeights> prepare(const Engine& engine, const WeightsView& view);
  // The same, stored as another type: widened, rounded or quantised. s8 can only be made from s8.
  static Result<PreparedWeights> prepare(const Engine& engine, const WeightsView& view, DataType stored);
  // Gate and up projection of one shape and type, for a gated product. `view.n` is the N of C.
  static Result<PreparedWeights> prepare_gated(const Engine& engine, const WeightsView& gate, const WeightsView& up);

  PreparedWeights(PreparedWeights&&) noexcept;
  PreparedWeights& operator=(PreparedWeights&&) noexcept;
  ~PreparedWeights();

  DataType type() const;
  int64_t n() const;
  int64_t k() const;
  bool gated() const;
  int64_t bytes() const;

 private:
  friend class Matmul;
  struct Impl;
  explicit PreparedWeights(std::unique_ptr<Impl> impl);
  static Result<PreparedWeights> pack(const Engine& engine, const WeightsView* views, int count, DataType stored);
  std::unique_ptr<Impl> impl_;
};

// What is asked for, without pointers. The epilogue's steps are named here and given operands in MatmulOperands; after
// the sum they happen in this order, each rounded to f32 once:
//   v *= alpha;  v *= column_scale[j];  v = fma(beta, C_old, v);  v += bias[j];  v = activation(v);
//   gated: v = activation(gate) * up, where gate and up each went through the steps before;
//   v += residual[i,j];  C[i,j] = round(v)
struct MatmulProblem {
  int64_t m = 1, n = 1, k = 1;
  DataType a = DataType::f32;  // f32; s8 or u8 for s8 weights
  DataType w = DataType::f32;
  DataType c = DataType::f32;           // f32, bf16, f16; s32 or f32 for s8 weights
  WeightOrder order = WeightOrder::nk;  // of unprepared weights
  bool a_transposed = false;            // A is given as [K,M]
  bool prepared = true;                 // false: W is read where it lies, f32, for products of two activations
  int64_t batch = 1;                    // independent products; prepared weights are the same for all
  bool gated = false;                   // W has 2N columns, C has N
  Activation activation = Activation::none;
  bool bias = false, residual = false, column_scale = false;
  bool accumulate = false;  // beta is not 0
};

struct MatmulOperands {
  const void* a = nullptr;  // [M,K], or [K,M] where a_transposed
  int64_t lda = 0;
  int64_t a_batch = 0;  // from one product of the batch to the next
  const PreparedWeights* weights = nullptr;
  const float* w = nullptr;  // unprepared weights: [N,K] or [K,N]
  int64_t ldw = 0, w_batch = 0;
  void* c = nullptr;  // [M,N]; may not overlap another operand, but may be the residual itself, stride for stride
  int64_t ldc = 0, c_batch = 0;
  float alpha = 1.0f, beta = 0.0f;
  const float* column_scale = nullptr;  // [N]
  const float* bias = nullptr;          // [N]; gated: [2N], the gates' first
  const float* residual = nullptr;      // [batch * M, N]
  int64_t residual_ld = 0;
  // s8 weights: C = sum (a - a_zero) * (w - w_zero[j])
  int32_t a_zero = 0;
  const int32_t* w_zero = nullptr;  // [N]
};

// A kernel of this build, seen from one problem. The views lead to constants.
struct MatmulVariant {
  std::string_view name;  // isa.numerics.weights.regime
  std::string_view numerics, isa, what;
  std::string refusal;  // why it cannot take the problem on this CPU; empty where it can
};

struct MatmulChoice {
  std::string_view variant;
  std::string reason;
};

// One product, ready to run again and again. Costs a few microseconds to create and holds no weights.
class Matmul {
 public:
  // `variant` by name, or empty: what choose() says.
  static Result<Matmul> create(const Engine& engine, const MatmulProblem& problem, std::string_view variant = "");

  // What create() takes without a name, and why: the engine's plan where it has the problem, else the default.
  static Result<MatmulChoice> choose(const Engine& engine, const MatmulProblem& problem);
  // Every kernel of this build, best first within an instruction set.
  static Result<std::vector<MatmulVariant>> variants(const MatmulProblem& problem);

  Matmul(Matmul&&) noexcept;
  Matmul& operator=(Matmul&&) noexcept;
  ~Matmul();

  // C is complete when this returns. Allocates nothing unless it fails.
  Status run(const MatmulOperands& operands) const;

  std::string_view variant() const;
  const MatmulProblem& problem() const;

 private:
  struct Impl;
  explicit Matmul(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe
