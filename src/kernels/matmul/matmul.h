// The contract of every matmul kernel, and the row that describes one.
//
//   C[i,j] = epilogue( sum over k of A[i,k] * W[k,j] )      0 <= i < M, 0 <= j < N, 0 <= k < K, each at least 1
//
// ORDER OF ADDITION. Every output is one chain over k = 0 .. K-1, the same for every M, thread count and variant of
// the same numerics:
//   f32   acc = fma(a[k], w[k], acc), k ascending, from +0; bf16 and f16 weights are widened first (exact).
//   a16   (q8_0) activations are quantised per row and block of 32 k to 16 bits (see QuantA); per block the
//         integer dot product is exact in s32, then acc = fma(float(dot), w_scale * a_scale, acc), blocks ascending.
//   a7    (q8_a7) as a16, but activations become whole numbers q = u - zero of 7 bits: u = 0 .. 127 spans what a block
//   of
//         32 k holds and 0, so that half of the bytes' instructions serve where one sign prevails (see QuantU7).
//   a8    (q4_0, q4_1, q4_k, q5_k, q6_k) weights are scale * code - offset, codes unsigned; activations are quantised
//   per
//         row and block of 32 k to signed bytes times a_scale. Per step of k (32 for four-bit codes, 16 for five, 8 for
//         six) the dot product of bytes is exact, then acc = fma(float(dot), scale * a_scale, acc); where a span of
//         weights with one scale ends (32; 16 for q6_k), acc = fma(-offset, a_scale * float(sum of a's bytes), acc).
//   a16r  (i8) activations are quantised per row to the widest integer for which no sum of K products overflows s32;
//         the dot product over all of K is exact, then acc = (float(dot) * a_scale) * w_scale.
//   b16   (bf16_b16) activations and weights are bf16. Per block of 32 k two chains of fma from +0, one over its even k
//         and one over its odd k, then acc += even + odd, blocks ascending; subnormal numbers are zeros in all of this.
//         That is what AMX's tdpbf16ps computes (Intel's architecture reference; checked on a Sapphire Rapids).
//   d16   (bf16_d16) activations and weights are bf16. acc = odd(acc + odd(a[k] w[k] + a[k+1] w[k+1])), pairs
//   ascending, from
//         +0 over K filled up to whole blocks of 32. odd() is a sum rounded once, to the neighbour whose last bit is
//         odd where it is inexact; subnormal numbers are zeros. That is Arm's BFDOT, BFMMLA and BFMOPA where FPCR.EBF
//         is 0, as Linux has it (Arm's architecture reference, BFDotAdd).
//   s32   (s8, u8 activations, s8 weights) exact integers, so any order gives the same bits.
// Where K is blocked the partial sums are stored and reloaded as they are, which changes no bit.
//
// LAYOUT. Weights lie in panels of 16 columns, K running inside a panel, so that one lane is one output column and a
// row of outputs is the same whatever the vector width. The last panel is filled up with zeros by the packer; nobody
// else ever pads: kernels read exactly the A rows they were given and write exactly the C elements they own.
//
// Kernels never allocate, start threads, read clocks or the environment; scratch memory comes from the caller, sized
// by the row's own function. They are total on the domain above: NaN and infinity flow through as IEEE says (a16:
// a block holding one yields NaN).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::matmul {

constexpr int kPanel = 16;  // columns per panel
constexpr int kBlock = 32;  // k per quantisation block

// q8_a7 is a weight of q8_0 that is multiplied by activations of 7 bits: less exact, and the fastest.
// bf16_b16 is a weight of bf16 that is multiplied by activations rounded to bf16; bf16_d16 is too, by Arm's
// instructions.
enum class Type : uint8_t {
  f32,
  bf16,
  f16,
  q8_0,
  q4_0,
  i8,
  s8,
  u8,
  s32,
  q8_a7,
  q4_1,
  q4_k,
  q5_k,
  q6_k,
  bf16_b16,
  bf16_d16
};
std::string_view type_name(Type type);
// Weights of one column that are stored as a block: 1 where there are none.
int64_t k_unit(Type type);

// How the source of W lies in memory.
enum class Order : uint8_t {
  nk,  // [N,K]: row j holds the K weights of output j (PyTorch Linear, GGUF)
  kn,  // [K,N]
};
std::string_view order_name(Order order);

enum class Activation : uint8_t { none, relu, gelu_erf, gelu_tanh, silu };
std::string_view activation_name(Activation activation);

// What a kernel reads as W.
enum class Layout : uint8_t {
  panel_f32,   // [N/16][K][16] f32
  panel_bf16,  // [N/16][K][16] bf16
  panel_f16,   // [N/16][K][16] f16
  panel_q8,    // [N/16] { s8 [K/4][16][4]; f16 scale[K/32][16] }
  panel_q4,    // [N/16][K/32] { u4 [4][16][4], low nibble k = 8g.., high nibble k = 8g+4..; f16 scale[16] }
  panel_i8,    // [N/16] { s8 [K/4][16][4]; f32 scale[16]; s32 column_sum[16] }
  rows_f32,    // [K,N] f32 in place, not prepared (attention * V, gradients)
  cols_f32,    // [N,K] f32 in place, not prepared (attention scores)
  // Of 4 to 6 bits; codes.inl.h has the records.
  panel_q4m,  // [N/16][K/32] { as panel_q4; f16 least[16] }
  panel_q4k,  // [N/16][K/256] { f16 d[16]; f16 dmin[16]; [8] { u4 [4][16][4]; u8 scale[16]; u8 minimum[16] } }
  panel_q5k,  // [N/16][K/256] { as panel_q4k, u1 [16][4][8] behind the u4 }
  panel_q6k,  // [N/16][K/256] { f16 d[16]; [8] { u4 [4][16][4]; u2 [2][16][4][4]; s8 scale[2][16] } }
  panel_q8s,  // [N/16] { s8 [K/4][16][4]; f16 scale[K/32][16]; s16 sum[K/32][16], of the block's weights }
  panel_b16,  // [N/16][K/2][16][2] bf16, K in whole blocks of 32: two neighbours of k of a column lie together
};
std::string_view layout_name(Layout layout);

// After the sum, in this order, each step rounded to f32 once:
//   v *= alpha;  v *= col_scale[j];  v = fma(beta, C_old, v);  v += bias[j];  v = act(v);
//   gated: v = act(gate) * up, where gate and up each went through the steps before act (beta is not allowed here);
//   v += residual[i,j];  C[i,j] = round(v)
// A step whose operand is absent (1, 0, nullptr, none) is skipped and changes no bit.
struct Epilogue {
  float alpha = 1.0f;
  float beta = 0.0f;
  const float* col_scale = nullptr;  // [N]
  const float* bias = nullptr;       // [N]; gated: [2N], gates first
  Activation act = Activation::none;
  bool gated = false;               // C has N columns, W has 2N: gate j and up j
  const float* residual = nullptr;  // [M,N], may be C itself
  int64_t residual_ld = 0;
  // s32 numerics only: C = sum (a - a_zero) * (w - w_zero[j])
  int32_t a_zero = 0;
  const int32_t* w_zero = nullptr;  // [N]
};

// What is asked for, without pointers: the domain of dispatch, probe, explain and the plan file.
struct Problem {
  int64_t m = 1, n = 1, k = 1;
  Type a = Type::f32;
  Type w = Type::f32;
  Type c = Type::f32;
  Order order = Order::nk;
  bool a_transposed = false;  // A is given as [K,M]
  bool prepared = true;       // W was packed when it was bound; false: activations by activations
  int64_t batch = 1;          // independent products of the same shape (attention heads)
  bool gated = false;
  Activation act = Activation::none;
  bool bias = false, residual = false, accumulate = false;  // accumulate: beta != 0
  bool col_scale = false;
};

// Activations as a kernel wants them: strips, the rows of a group (RowGroups) interleaved, [K][rows], so that a
// register tile reads one contiguous stream. Read where they lie, six rows of 4096 bytes fell on one set of the
// first-level cache and the tile ran at a third of its speed.
enum class AForm : uint8_t {
  strips,       // f32 [K][rows]
  quant_block,  // a16: s16 pairs [K/2][rows][2], and an f32 scale per block [K/32][rows]
  quant_s8,     // a8: bytes [K/4][rows][4], and four floats per block, [K/32][4][rows] (tile_codes.inl.h)
  quant_u7,     // a7: bytes [K/4][rows][4], and an f32 scale and the negated s32 zero per block [K/32][rows]
  quant_row,    // a16r: s16 pairs, and one f32 scale per row
  widened,      // s32: s8 or u8 widened to s16 pairs, and the sum of each row
  bytes,        // s32: s8 or u8 as they are, [K/4][rows][4], and the sum of each row
  strips_b16,   // b16: bf16 as f32, of each block of 32 the even k, then the odd ones: [K/32][2][16][rows]
  pairs_b16,    // b16: the same as bf16, two of a chain in a word, the first one high: [K/32][2][8][rows][2]
  pairs_d16,    // d16: bf16, two neighbours of k in a word, the first one low: [K/2][rows][2]
  // Of AMX, whose tiles are rows of bytes: row by row, K bytes one behind the other, from row to row an odd number of
  // lines, since rows of 4096 bytes would fall on one set of the first-level cache. What goes with a row lies together.
  tile_split_block,  // a16: the high bytes (signed), then the low ones (not); an f32 scale per block [K/32]
  tile_split_row,    // a16r: the same with one scale
  tile_s8,           // a8: signed bytes; four floats per block [K/32][4]
  tile_u7,           // a7: u - zero as signed bytes; an f32 scale per block [K/32]
  tile_bytes,        // s32: s8 or u8, and the sum of the row
  tile_b16,          // b16: bf16
};
constexpr bool is_tile(AForm form) { return form >= AForm::tile_split_block; }

// Elements of K in a prepared row: integer forms are filled up with zeros to whole blocks.
constexpr int64_t prepared_k(AForm form, int64_t k) {
  if (form == AForm::tile_b16) return ((k + kBlock - 1) / kBlock | 1) * kBlock;
  if (is_tile(form)) return ((k + 63) / 64 | 1) * 64;
  return form == AForm::strips ? k : (k + kBlock - 1) / kBlock * kBlock;
}
// Bytes of an element of it.
constexpr int64_t prepared_bytes(AForm form) {
  if (form == AForm::strips || form == AForm::strips_b16) return 4;
  if (form == AForm::pairs_b16 || form == AForm::pairs_d16 || form == AForm::tile_b16) return 2;
  const bool one = form == AForm::quant_u7 || form == AForm::quant_s8 || form == AForm::bytes || form >= AForm::tile_s8;
  return one ? 1 : 2;
}
// Scales and sums (zeros) that go with a row.
constexpr int64_t prepared_scales(AForm form, int64_t k) {
  const int64_t blocks = (k + kBlock - 1) / kBlock;
  switch (form) {
    case AForm::strips:
    case AForm::strips_b16:
    case AForm::pairs_b16:
    case AForm::pairs_d16:
    case AForm::tile_b16:
      return 0;
    case AForm::quant_s8:
    case AForm::tile_s8:
      return blocks * 4;
    case AForm::quant_block:
    case AForm::quant_u7:
    case AForm::tile_split_block:
    case AForm::tile_u7:
      return blocks;
    default:
      return 1;
  }
}
constexpr int64_t prepared_sums(AForm form, int64_t k) {
  if (form == AForm::quant_u7) return (k + kBlock - 1) / kBlock;
  return form == AForm::widened || form == AForm::bytes || form == AForm::tile_bytes ? 1 : 0;
}

// One row group of A to be brought into the variant's form. Outputs point at this group.
struct PrepareArgs {
  int64_t m, k;        // rows of the group, at most Variant::mr
  const void* a;       // first row
  int64_t a_row, a_k;  // element strides of A; A given as [K,M] has a_row = 1
  Type a_type;         // b16, d16: f32 or bf16
  void* rows;          // m * prepared_k(form, k) elements of prepared_bytes(form)
  float* scale;        // quant_block, quant_u7: [ceil(k/32)][m]; quant_s8: [ceil(k/32)][4][m]; quant_row: [m]
  int32_t* sum;        // widened, bytes: [m]; quant_u7: the negated zeros [ceil(k/32)][m]
};

// Memory that the caller will read next; kernels fetch it while they compute. `rows` runs of row_bytes, stride bytes
// apart.
struct Ahead {
  const std::byte* from = nullptr;
  int64_t rows = 0, row_bytes = 0, stride = 0;
};

// One rectangle of C: m rows by n columns, all of K.
struct Args {
  int64_t m, n, k;
  const void* a;  // the strips of this rectangle's row groups, RowGroups(m, mr)
  const float* a_scale;
  const int32_t* a_sum;
  const std::byte* w;  // first panel of this rectangle (gated: panels 2p and 2p+1 are gate and up of columns 16p..)
  int64_t w_panel;     // bytes from a panel to the next
  int64_t w_ld;        // rows_f32: elements from k to k+1; cols_f32: from column to column
  void* c;
  int64_t ldc;  // elements
  Type c_type;
  Epilogue epilogue;     // its pointers are those of this rectangle's first row and column
  const float* bias_up;  // gated: bias of the up half at this rectangle's first column
  std::byte* scratch;    // Variant::scratch_bytes(m, k), aligned to 64
  Ahead ahead[2];        // both may be empty
};

// A kernel variant. Constant data; everything that lists, picks, times or tests kernels iterates these rows.
struct Variant {
  const char* name;      // isa.numerics.weights.regime, a coordinate and unique
  const char* numerics;  // "f32", "a16", "a8", "a7", "a16r", "b16", "d16", "s32": equal numerics give equal bits
  Isa isa;
  Type a, w;
  Layout layout;
  AForm a_form;
  int mr;            // rows of the register tile
  int nr;            // its columns, a multiple of 16
  int kc;            // k per cache block; 0: all of K at once
  int64_t m_max;     // rows of one call beyond which it refuses; 0: none
  const char* what;  // one line for people
  // nullptr where the variant takes the problem, else the sentence that says why not. Shape and types only.
  const char* (*refuses)(const Variant& self, const Problem& problem) noexcept;
  int64_t (*scratch_bytes)(int64_t m, int64_t k) noexcept;
  void (*prepare)(const PrepareArgs&) noexcept;  // one row group
  void (*run)(const Args&) noexcept;
};

// The one table: every variant compiled into this build, best first within an instruction set.
std::span<const Variant* const> variants();
const Variant* find_variant(std::string_view name);

// Why `variant` cannot take `problem` on a CPU with `features`; empty where it can.
std::string refusal(const Variant& variant, const Problem& problem, FeatureSet features);

// Row-group sizes: m rows as ceil(m / mr) groups that differ by one at most, larger first. 7 = 4 + 3, not 6 + 1:
// a tile of one row has too few independent chains to hide the latency of an FMA.
struct RowGroups {
  int64_t count, base, larger;  // `larger` groups of base + 1 rows come first
  constexpr RowGroups(int64_t m, int64_t mr) : count((m + mr - 1) / mr), base(m / count), larger(m % count) {}
  constexpr int64_t begin(int64_t g) const { return g * base + (g < larger ? g : larger); }
  constexpr int64_t rows(int64_t g) const { return base + (g < larger ? 1 : 0); }
};

}  // namespace lathe::matmul
