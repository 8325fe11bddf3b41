// The contract of attention over a paged cache: the new tokens of one text, and the query heads that share one head of
// keys and values.
//
// Row r = t * group + g is query head g of token t, 0 <= t < tokens, 0 <= g < group. It stands at position
// p = first + t of the text and sees the keys j <= p, with window >= 0 those of p - window <= j <= p only:
//
//   y[r,d] = sum over j of softmax over j of (scale * sum over c of q[r,c] * k[j,c]) * v[j,d]
//
// PAGES. Positions kPage * i .. kPage * (i + 1) - 1 lie in pages[i], this head's part of it `at` bytes from its start:
// first K by elements, [head_dim][kPage], so that lanes are neighbouring keys; then V by keys, [kPage][value_row()],
// so that lanes are neighbouring elements. Elements are f16, bf16 or f32, widened to f32 without loss. Those of q8_0
// are signed bytes, 32 of a key or a value times the scale of their block (BlockQ8_0 of quant/blocks.h), which f32
// holds without loss too; the scales, widened to f32, lie behind the bytes: [ceil(head_dim / 32)][kPage] behind K,
// [kPage][ceil(head_dim / 32)] behind V. What lies in a page behind the last position that a row sees is read by no
// arithmetic that reaches a result, whatever it is.
//
// ORDER OF ADDITION. That of kernels/attention/attention.h, in blocks of kPage keys from position 0. Per row, each step
// rounded once:
//
//   m = -FLT_MAX, l = 0, o[d] = 0; then for each block of keys:
//   s[j] = chain over c ascending of fma(k[j,c], q[r,c], s), from +0
//   t[j] = s[j] * scale; -inf where the row does not see the key
//   n    = max(m, t[j] of the block);  f = exp(m - n);  m = n
//   e[j] = exp(t[j] - n)                               exp_f32 of kernels/common/scalar_math.h
//   l    = l * f, then l + e[j], j ascending;  o[d] = o[d] * f, then fma(v[j,d], e[j], o[d]), j ascending
//
//   y[r,d] = o[d] * (1 / l) + 0, and 0 where l is 0
//
// A row's result therefore depends on its query and on the keys and values that it sees alone: not on how the tokens
// of a text are cut into calls, nor on the rows beside it, nor on the instruction set. Blocks that a row does not see
// are passed over or change no bit (f = 1, e = 0).
//
// NaN and infinity: as in attention.h. An infinity in v may make rows NaN that stand up to a tile of rows before it.
//
// No alignment is needed but for pages and scratch (64); nothing is allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "platform/cpu.h"

namespace lathe::paged_attention {

constexpr int64_t kPage = 64;  // positions

enum class Type : uint8_t { f16, bf16, f32, q8_0 };
std::string_view type_name(Type type);
constexpr int64_t type_bytes(Type type) { return type == Type::f32 ? 4 : type == Type::q8_0 ? 1 : 2; }
constexpr int64_t kScaled = 32;  // elements of q8_0 that share a scale

// Elements from a value to the next: whole registers of every width.
constexpr int64_t value_row(int64_t head_dim) { return (head_dim + 15) / 16 * 16; }
// What one head of keys and values takes of a page; a multiple of 64.
constexpr int64_t head_bytes(int64_t head_dim, Type type) {
  const int64_t scales = type == Type::q8_0 ? (head_dim + kScaled - 1) / kScaled * int64_t{sizeof(float)} : 0;
  return kPage * ((head_dim + value_row(head_dim)) * type_bytes(type) + 2 * scales);
}

// Strides are in elements.
struct Args {
  int64_t tokens = 0, group = 1, head_dim = 0;
  int64_t first = 0;         // position of the first token
  const float* q = nullptr;  // of its first head
  int64_t q_token = 0, q_head = 0;
  const std::byte* const* pages = nullptr;
  int64_t at = 0;
  Type type = Type::f16;
  float scale = 1.0f;
  int64_t window = -1;  // negative: a row sees all keys up to its own
  float* y = nullptr;
  int64_t y_token = 0, y_head = 0;
  std::byte* scratch = nullptr;  // scratch_bytes(head_dim)
};

constexpr int64_t kMostRows = 6;  // that are computed at a time
constexpr int64_t scratch_bytes(int64_t head_dim) {
  return kMostRows * (kPage + value_row(head_dim)) * static_cast<int64_t>(sizeof(float));
}

// Writes keys and values of new tokens into the pages of positions first .. first + tokens - 1, rounded to the nearest,
// ties to even; to q8_0 as its encode() does, and a block with a NaN or an infinity becomes NaN.
struct StoreArgs {
  int64_t tokens = 0, head_dim = 0;
  int64_t first = 0;
  const float* k = nullptr;  // of the first token
  const float* v = nullptr;
  int64_t token = 0;  // from a token to the next, of both
  std::byte* const* pages = nullptr;
  int64_t at = 0;
  Type type = Type::f16;
};

struct Variant {
  const char* name;  // paged_attention.isa
  Isa isa;
  void (*run)(const Args&) noexcept;
  void (*store)(const StoreArgs&) noexcept;
};

// Every variant compiled into this build, best first; all give the same bits.
std::span<const Variant* const> variants();
const Variant* find(std::string_view name);
const Variant& best(FeatureSet features);

// The rows, each defined in the file of its instruction set.
extern const Variant table_scalar, table_avx2, table_avx512, table_neon;

}  // namespace lathe::paged_attention
