// From the vectors of tokens to one of each text, and what texts of a batch are to each other, forwards and backwards:
//
//   unit[t]   = mean[t] / |mean[t]|;  a vector of zeros stays one, and has no gradient
//   score[i,j] = unit[anchor i] . unit[candidate j] * scale, which a product has made but for the scale
//
// The texts of a batch are `pairs` anchors, as many positives and, where there are negatives, as many of them;
// candidates are all texts but the anchors, and candidate i is the positive of anchor i. Another candidate j is hidden
// from anchor i, its score -infinity, where it would be no wrong answer: where it is the same text as the anchor or as
// its positive, or the positive of an anchor that is the same text.
//
// Texts and anchors are divided among the workers; sums over a row run ascending in float64. All end without a barrier.
#pragma once

#include <cstdint>

#include "platform/team.h"

namespace lathe::ops {

struct UnitVectors {
  int64_t texts = 0, width = 0;
  const float* mean = nullptr;  // [texts][width]
  float* unit = nullptr;        // [texts][width]
  float* inverse = nullptr;     // [texts]: 1 / |mean|, or 0
};
void unit_vectors(const Team::Worker& worker, const UnitVectors& x) noexcept;
// dmean = (dunit - unit * (unit . dunit)) * inverse. dmean may be dunit.
void unit_vectors_back(const Team::Worker& worker, const UnitVectors& x, const float* dunit, float* dmean) noexcept;

// dx[token] = dmean[its text] / tokens of the text. Text i has the tokens offsets[i] .. offsets[i + 1] - 1.
void mean_back(const Team::Worker& worker, const int64_t* offsets, const UnitVectors& x, const float* dmean,
               float* dx) noexcept;

struct ContrastScores {
  int64_t pairs = 0, candidates = 0;
  const int32_t* identity = nullptr;  // [pairs + candidates]: equal for equal texts
  float scale = 1.0f;
  float* scores = nullptr;  // [pairs][candidates]
  int32_t* rank = nullptr;  // [pairs]: how many candidates score higher than the positive or as high
};
void contrast_scores(const Team::Worker& worker, const ContrastScores& x) noexcept;

// y += x, rows divided.
void add_rows(const Team::Worker& worker, int64_t rows, int64_t width, const float* x, float* y) noexcept;

}  // namespace lathe::ops
