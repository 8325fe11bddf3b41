// The contract of the optimizer's kernels, over flat arrays of n elements.
//
//   adamw   (Loshchilov & Hutter, as torch.optim.AdamW steps), each step rounded once:
//           h = g * gradient_scale;  w = w * (1 - lr * decay)
//           m = fma(1 - beta1, h - m, m);  v = fma(beta2, v, (1 - beta2) * (h * h))
//           w = w - step * m / (sqrt(v) * root + eps)      step = lr / (1 - beta1^t), root = 1 / sqrt(1 - beta2^t)
//   square_sum   sum of g * g in float64, over sixteen lanes of float64 and one tree
//   add     g += h
//
// adamw reads w, g, m, v once and writes w, m, v once: 28 bytes an element. Every element is independent; square_sum
// depends on n alone (callers cut arrays at fixed places). No alignment is needed, no overlap is allowed.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::optimizer {

struct AdamWArgs {
  int64_t n;
  float* w;
  const float* g;
  float* m;
  float* v;
  float gradient_scale = 1.0f;
  float keep;  // 1 - lr * decay
  float beta1, beta2;
  float step, root, eps;
};

struct Variant {
  const char* name;  // optimizer.isa
  Isa isa;
  void (*adamw)(const AdamWArgs&) noexcept;
  double (*square_sum)(const float* g, int64_t n) noexcept;
  void (*add)(float* g, const float* h, int64_t n) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const Variant* const> variants();
const Variant* find(std::string_view name);
const Variant& best(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const Variant table_scalar, table_avx2, table_neon, table_avx512;

}  // namespace lathe::optimizer
