#include "ops/token_embedding.h"

#include <algorithm>

#include "ops/share.h"

namespace lathe::ops {
namespace {

int64_t place_of(const TokenEmbedding& e, int64_t token) {
  return e.places != nullptr ? e.places[token] : token % e.length;
}

}  // namespace

void embed_tokens(const Team::Worker& worker, const TokenEmbedding& e, float* y) noexcept {
  const Share share(worker, e.tokens);
  for (int64_t t = share.begin; t < share.end; ++t) {
    const float* word = e.words + e.ids[t] * e.width;
    float* row = y + t * e.width;
    if (e.positions == nullptr) {
      std::copy_n(word, e.width, row);
      continue;
    }
    const float* position = e.positions + place_of(e, t) * e.width;
    if (e.type == nullptr) {
      for (int64_t j = 0; j < e.width; ++j) row[j] = word[j] + position[j];
    } else {
      for (int64_t j = 0; j < e.width; ++j) row[j] = (word[j] + e.type[j]) + position[j];
    }
  }
}

void embed_tokens_back(const Team::Worker& worker, const optimizer::Variant& kernel, const TokenEmbedding& e,
                       const float* dy, float* dwords, float* dpositions) noexcept {
  const ColumnShare share(worker, e.width);
  const int64_t columns = share.end - share.begin;
  for (int64_t t = 0; t < e.tokens; ++t) {
    const float* row = dy + t * e.width + share.begin;
    kernel.add(dwords + e.ids[t] * e.width + share.begin, row, columns);
    if (e.positions != nullptr) kernel.add(dpositions + place_of(e, t) * e.width + share.begin, row, columns);
  }
}

}  // namespace lathe::ops
