#include "ops/pool.h"

#include <algorithm>
#include <cmath>

#include "ops/share.h"

namespace lathe::ops {
namespace {

void scale(float* y, int64_t n, float factor) {
  for (int64_t j = 0; j < n; ++j) y[j] *= factor;
}

// y = sum over tokens of weight(t) * x[t]
template <class Weight>
void add_up(const float* x, int64_t tokens, int64_t width, float* y, Weight weight) {
  std::fill_n(y, width, 0.0f);
  for (int64_t t = 0; t < tokens; ++t) {
    const float w = weight(t);
    for (int64_t j = 0; j < width; ++j) y[j] += w * x[t * width + j];
  }
}

// Of the text's tokens, those from `first` on. Their weights in a weighted mean are their places in the whole text.
void pool_text(Pooling mode, const float* all, int64_t first, int64_t end, int64_t width, float* y) {
  const float* x = all + first * width;
  const int64_t tokens = end - first;
  const auto one = [](int64_t) { return 1.0f; };
  const auto count = static_cast<float>(tokens);
  switch (mode) {
    case Pooling::cls:
      std::copy_n(x, width, y);
      return;
    case Pooling::last_token:
      std::copy_n(x + (tokens - 1) * width, width, y);
      return;
    case Pooling::max:
      std::copy_n(x, width, y);
      for (int64_t t = 1; t < tokens; ++t)
        for (int64_t j = 0; j < width; ++j) y[j] = std::max(y[j], x[t * width + j]);
      return;
    case Pooling::mean:
      add_up(x, tokens, width, y, one);
      return scale(y, width, 1.0f / count);
    case Pooling::mean_sqrt_len:
      add_up(x, tokens, width, y, one);
      return scale(y, width, 1.0f / std::sqrt(count));
    case Pooling::weighted_mean:
      add_up(x, tokens, width, y, [first](int64_t t) { return static_cast<float>(first + t + 1); });
      return scale(y, width, 2.0f / (count * (count + static_cast<float>(2 * first + 1))));
  }
}

void normalize(float* y, int64_t n) {
  double squares = 0;
  for (int64_t j = 0; j < n; ++j) squares += double{y[j]} * y[j];
  if (squares == 0) return;  // the caller says what a vector of zeros is
  const double factor = 1 / std::sqrt(squares);
  for (int64_t j = 0; j < n; ++j) y[j] = static_cast<float>(y[j] * factor);
}

}  // namespace

void pool(const Team::Worker& worker, const TextBatch& batch, const PoolOperands& x) noexcept {
  const int64_t row = x.width * static_cast<int64_t>(x.modes.size());
  const Share share(worker, batch.texts());
  for (int64_t i = share.begin; i < share.end; ++i) {
    const int64_t begin = batch.offsets[static_cast<size_t>(i)], end = batch.offsets[static_cast<size_t>(i) + 1];
    const int64_t skip = x.skip.empty() ? 0 : x.skip[static_cast<size_t>(i)];
    float* y = x.y + i * row;
    for (size_t mode = 0; mode < x.modes.size(); ++mode)
      pool_text(x.modes[mode], x.x + begin * x.width, skip, end - begin, x.width,
                y + static_cast<int64_t>(mode) * x.width);
    if (x.normalize) normalize(y, x.keep);
  }
}

void normalize_rows(const Team::Worker& worker, float* y, int64_t rows, int64_t row, int64_t keep) noexcept {
  const Share share(worker, rows);
  for (int64_t i = share.begin; i < share.end; ++i) normalize(y + i * row, keep);
}

}  // namespace lathe::ops
