// Checkpoints and vocabularies of llama2.c for tests, with random weights.
#pragma once

#include <cmath>
#include <random>
#include <string>
#include <string_view>

#include "formats/fake_bytes.h"
#include "formats/llama2c.h"

namespace lathe {

// What most tests need: two layers, and keys shared by two heads each.
constexpr Llama2cHeader small_llama2c(int64_t vocabulary = 320, int64_t positions = 300, bool tied = false) {
  return {.width = 32,
          .intermediate = 48,
          .layers = 2,
          .heads = 4,
          .kv_heads = 2,
          .vocabulary = vocabulary,
          .positions = positions,
          .tied = tied};
}

inline std::string llama2c_header(const Llama2cHeader& h) {
  std::string bytes;
  for (const int64_t value :
       {h.width, h.intermediate, h.layers, h.heads, h.kv_heads, h.tied ? h.vocabulary : -h.vocabulary, h.positions})
    bytes += raw(static_cast<int32_t>(value));
  return bytes;
}

inline std::string llama2c_bytes(const Llama2cHeader& h, uint32_t seed = 7) {
  std::string bytes = llama2c_header(h);
  std::mt19937 random(seed);
  const auto add = [&](int64_t rows, int64_t in, float mean = 0) {
    std::normal_distribution<float> normal(mean, 1.0f / std::sqrt(static_cast<float>(in)));
    for (int64_t i = 0; i < rows * in; ++i) bytes += raw(normal(random));
  };
  const int64_t keys = h.kv_heads * h.head_dim();
  add(h.vocabulary, h.width);
  add(h.layers, h.width, 1);         // norms
  add(h.layers * h.width, h.width);  // queries
  add(h.layers * keys, h.width);     // keys
  add(h.layers * keys, h.width);     // values
  add(h.layers * h.width, h.width);  // out
  add(h.layers, h.width, 1);         // norms
  add(h.layers * h.intermediate, h.width);
  add(h.layers * h.width, h.intermediate);
  add(h.layers * h.intermediate, h.width);
  add(1, h.width, 1);
  bytes.append(static_cast<size_t>(h.positions * h.head_dim()) * sizeof(float), '\0');  // of positions
  if (!h.tied) add(h.vocabulary, h.width);
  return bytes;
}

// Three control pieces, the bytes, and letters; as many pieces as asked for, at most 259 + 26 * 27.
inline std::string llama2c_vocabulary(int64_t pieces) {
  std::string bytes = raw(int32_t{8});
  const auto add = [&](std::string_view piece, float score) {
    bytes += raw(score) + raw(static_cast<int32_t>(piece.size()));
    bytes += piece;
  };
  for (const char* piece : {"<unk>", "\n<s>\n", "\n</s>\n"}) add(piece, 0);
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (size_t b = 0; b < 256; ++b) add(std::string("<0x") + kHex[b / 16] + kHex[b % 16] + '>', 0);
  for (int64_t i = 0; i + 259 < pieces; ++i) {
    std::string piece(1, static_cast<char>('a' + i % 26));
    if (i >= 26) piece.insert(0, 1, i < 52 ? ' ' : static_cast<char>('a' + (i / 26 - 2) % 26));
    add(piece, -static_cast<float>(i));
  }
  return bytes;
}

}  // namespace lathe
