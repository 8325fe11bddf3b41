#include "ops/contrastive.h"

#include <cmath>
#include <limits>

#include "ops/share.h"

namespace lathe::ops {
namespace {

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t j = 0; j < n; ++j) sum += double{a[j]} * b[j];
  return sum;
}

bool hidden(const ContrastScores& x, int64_t anchor, int64_t candidate) {
  const int32_t *anchors = x.identity, *candidates = x.identity + x.pairs;
  return candidates[candidate] == candidates[anchor] || candidates[candidate] == anchors[anchor] ||
         (candidate < x.pairs && anchors[candidate] == anchors[anchor]);
}

}  // namespace

void unit_vectors(const Team::Worker& worker, const UnitVectors& x) noexcept {
  const Share share(worker, x.texts);
  for (int64_t i = share.begin; i < share.end; ++i) {
    const float* mean = x.mean + i * x.width;
    const double squares = dot(mean, mean, x.width);
    const double factor = squares > 0 ? 1 / std::sqrt(squares) : 0;
    for (int64_t j = 0; j < x.width; ++j) x.unit[i * x.width + j] = static_cast<float>(mean[j] * factor);
    x.inverse[i] = static_cast<float>(factor);
  }
}

void unit_vectors_back(const Team::Worker& worker, const UnitVectors& x, const float* dunit, float* dmean) noexcept {
  const Share share(worker, x.texts);
  for (int64_t i = share.begin; i < share.end; ++i) {
    const float *unit = x.unit + i * x.width, *from = dunit + i * x.width;
    const double along = dot(unit, from, x.width);
    for (int64_t j = 0; j < x.width; ++j)
      dmean[i * x.width + j] = static_cast<float>((from[j] - unit[j] * along) * double{x.inverse[i]});
  }
}

void mean_back(const Team::Worker& worker, const int64_t* offsets, const UnitVectors& x, const float* dmean,
               float* dx) noexcept {
  const Share share(worker, x.texts);
  for (int64_t i = share.begin; i < share.end; ++i) {
    const float factor = 1.0f / static_cast<float>(offsets[i + 1] - offsets[i]);
    for (int64_t t = offsets[i]; t < offsets[i + 1]; ++t)
      for (int64_t j = 0; j < x.width; ++j) dx[t * x.width + j] = dmean[i * x.width + j] * factor;
  }
}

void contrast_scores(const Team::Worker& worker, const ContrastScores& x) noexcept {
  const Share share(worker, x.pairs);
  for (int64_t i = share.begin; i < share.end; ++i) {
    float* row = x.scores + i * x.candidates;
    for (int64_t j = 0; j < x.candidates; ++j)
      row[j] = j != i && hidden(x, i, j) ? -std::numeric_limits<float>::infinity() : row[j] * x.scale;
    int32_t rank = 0;
    for (int64_t j = 0; j < x.candidates; ++j) rank += j != i && row[j] >= row[i] ? 1 : 0;
    x.rank[i] = rank;
  }
}

void add_rows(const Team::Worker& worker, int64_t rows, int64_t width, const float* x, float* y) noexcept {
  const Share share(worker, rows);
  for (int64_t i = share.begin * width; i < share.end * width; ++i) y[i] += x[i];
}

}  // namespace lathe::ops
