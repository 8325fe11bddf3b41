#include "run/token_windows.h"

#include <algorithm>

#include "run/shuffle.h"

namespace lathe::run {
namespace {

// A window needs the id behind its last one too.
Status too_short(const std::string& name, const char* part, int64_t ids, int64_t length) {
  return invalid_argument(name + ": the " + part + " part has " + std::to_string(ids) +
                          " ids, needed: " + std::to_string(length + 1) + " for one window of " +
                          std::to_string(length) + "; use more text or a smaller --context");
}

void copy_window(const TokenShard& shard, int64_t begin, int64_t length, int64_t window, std::span<int32_t> inputs,
                 std::span<int32_t> targets) {
  const auto at = static_cast<size_t>(window * length), size = static_cast<size_t>(length);
  shard.read(begin, inputs.subspan(at, size));
  shard.read(begin + 1, targets.subspan(at, size));
}

}  // namespace

TokenWindows::TokenWindows(const TokenShard& shard, int64_t length, uint64_t seed, int64_t ids)
    : shard_(&shard),
      length_(length),
      per_epoch_(std::max<int64_t>(1, (ids - 1) / length - 1)),
      places_(std::min(length, ids - per_epoch_ * length)),
      seed_(seed) {}

Result<TokenWindows> TokenWindows::create(const TokenShard& shard, int64_t length, uint64_t seed,
                                          const std::string& name) {
  if (length < 1) return invalid_argument("the context is " + std::to_string(length) + " tokens, needed: 1 and more");
  const int64_t ids = shard.info().train_count;
  if (ids <= length) return too_short(name, "training", ids, length);
  return TokenWindows(shard, length, seed, ids);
}

int64_t TokenWindows::begin(int64_t position) const {
  const int64_t e = epoch(position);
  return drawn(seed_, e, places_) + shuffled(seed_, e, position % per_epoch_, per_epoch_) * length_;
}

void TokenWindows::fill(int64_t position, int64_t count, std::span<int32_t> inputs, std::span<int32_t> targets) const {
  for (int64_t i = 0; i < count; ++i) copy_window(*shard_, begin(position + i), length_, i, inputs, targets);
}

Result<ValidationWindows> ValidationWindows::create(const TokenShard& shard, int64_t first, int64_t length,
                                                    int64_t most, const std::string& name) {
  const int64_t ids = shard.count() - first;
  if (ids <= length) return too_short(name, "validation", ids, length);
  const int64_t all = (ids - 1) / length;
  return ValidationWindows(shard, first, length, all, most > 0 ? std::min(all, most) : all);
}

void ValidationWindows::fill(int64_t window, int64_t count, std::span<int32_t> inputs,
                             std::span<int32_t> targets) const {
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = (window + i) * all_ / count_;
    copy_window(*shard_, first_ + place * length_, length_, i, inputs, targets);
  }
}

}  // namespace lathe::run
