#include "sample/selection.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/checked.h"
#include "sample/order_key.h"
#include "sample/random.h"

namespace lathe::sample {
namespace {

// Probabilities are 0 to 1, so their bits are 0 to 0x3F800000; the softmax may end a rounding above 1.
constexpr int kBucketShift = 16;  // a bucket spans 1/128 of its value
constexpr size_t kBuckets = (0x3F800000u >> kBucketShift) + 2;

size_t bucket_of(float probability) {
  return std::min<size_t>(std::bit_cast<uint32_t>(probability) >> kBucketShift, kBuckets - 1);
}

int32_t block_max(const float* values, int64_t count) {
  int32_t most = kMinusInfinityKey;
  for (int64_t i = 0; i < count; ++i) most = std::max(most, order_key(values[i]));
  return most;
}

// The k-th largest, 1 <= k <= keys.size(). Reorders them.
int32_t kth_largest(std::span<int32_t> keys, int64_t k) {
  const auto at = keys.begin() + (k - 1);
  std::nth_element(keys.begin(), at, keys.end(), std::greater<>());
  return *at;
}

}  // namespace

Selection::Selection(int64_t size)
    : maxima_(static_cast<size_t>(ceil_div(size, kBlock))), keys_(static_cast<size_t>(size)), buckets_(kBuckets) {
  ids_.reserve(static_cast<size_t>(size));
}

void Selection::scan(std::span<const float> values) {
  const auto size = static_cast<int64_t>(values.size());
  const int64_t whole = size / kBlock;
  for (int64_t b = 0; b < whole; ++b) maxima_[static_cast<size_t>(b)] = block_max(values.data() + b * kBlock, kBlock);
  if (whole * kBlock < size)
    maxima_[static_cast<size_t>(whole)] = block_max(values.data() + whole * kBlock, size - whole * kBlock);
}

float Selection::max() const { return value_of_key(*std::max_element(maxima_.begin(), maxima_.end())); }

int32_t Selection::first_of_max(std::span<const float> values) const {
  const auto block = std::max_element(maxima_.begin(), maxima_.end());  // the first of several
  const float most = value_of_key(*block);
  auto at = values.begin() + (block - maxima_.begin()) * kBlock;
  while (*at != most) ++at;
  return static_cast<int32_t>(at - values.begin());
}

int64_t Selection::gather(std::span<float> values, int64_t k, float least) {
  int32_t floor = std::max(order_key(least), kMinusInfinityKey + 1);
  // Each of the k largest maxima is a value: the k-th value is no less than the k-th maximum.
  if (k > 0 && k <= static_cast<int64_t>(maxima_.size())) {
    std::copy(maxima_.begin(), maxima_.end(), keys_.begin());
    floor = std::max(floor, kth_largest(std::span(keys_).first(maxima_.size()), k));
  }
  const int64_t count = compact(values, floor);
  return k > 0 && count > k ? cut_to(values, count, k) : count;
}

int64_t Selection::compact(std::span<float> values, int32_t least) {
  ids_.clear();
  size_t count = 0;
  for (size_t block = 0; block < maxima_.size(); ++block) {
    if (maxima_[block] < least) continue;
    const size_t begin = block * kBlock, end = std::min(begin + kBlock, values.size());
    for (size_t i = begin; i < end; ++i) {
      if (order_key(values[i]) < least) continue;
      ids_.push_back(static_cast<int32_t>(i));
      values[count++] = values[i];
    }
  }
  return static_cast<int64_t>(count);
}

int64_t Selection::cut_to(std::span<float> values, int64_t count, int64_t k) {
  const auto candidates = values.first(static_cast<size_t>(count));
  const auto keys = std::span(keys_).first(candidates.size());
  std::transform(candidates.begin(), candidates.end(), keys.begin(), order_key);
  const float least = value_of_key(kth_largest(keys, k));
  int64_t equal = k - std::count_if(candidates.begin(), candidates.end(), [least](float v) { return v > least; });
  size_t kept = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i] < least || (candidates[i] == least && equal-- <= 0)) continue;
    ids_[kept] = ids_[i];
    values[kept++] = candidates[i];
  }
  ids_.resize(kept);
  return k;
}

Cut Selection::nucleus(std::span<const float> probabilities, uint64_t share) {
  uint64_t total = 0;
  size_t bucket = 0;
  for (const float p : probabilities) {
    const uint64_t weight = weight_of(p);
    buckets_[bucket_of(p)] += weight;
    bucket = std::max(bucket, bucket_of(p));
    total += weight;
  }
  auto missing = static_cast<int64_t>(share_of(share, total));
  while (bucket > 0 && static_cast<int64_t>(buckets_[bucket]) < missing)
    missing -= static_cast<int64_t>(buckets_[bucket--]);
  for (const float p : probabilities) buckets_[bucket_of(p)] = 0;

  // The nucleus ends in this bucket: what it holds is put in order.
  size_t count = 0;
  for (size_t i = 0; i < probabilities.size(); ++i)
    if (bucket_of(probabilities[i]) == bucket) keys_[count++] = static_cast<int32_t>(i);
  const auto held = std::span(keys_).first(count);
  const auto value = [&](int32_t i) { return probabilities[static_cast<size_t>(i)]; };
  std::sort(held.begin(), held.end(),
            [&](int32_t a, int32_t b) { return value(a) != value(b) ? value(a) > value(b) : a < b; });
  size_t at = 0;
  while (at + 1 < count && static_cast<int64_t>(weight_of(value(held[at]))) < missing)
    missing -= static_cast<int64_t>(weight_of(value(held[at++])));
  return {value(held[at]), held[at]};
}

}  // namespace lathe::sample
