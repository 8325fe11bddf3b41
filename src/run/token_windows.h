// Windows of ids to train on, in an order without end that is a function of the seed: window number `position` is the
// same whether the run came there or begins there.
//
// An epoch shows windows that lie side by side, each once, in an order of its own (run/shuffle.h). Where the first of
// them begins is drawn anew for each epoch, so that the same ids come in other windows.
#pragma once

#include <cstdint>
#include <span>

#include "formats/token_shard.h"
#include "lathe/status.h"

namespace lathe::run {

class TokenWindows {
 public:
  // Of the training part. `shard` outlives the windows; `name` is what errors call it.
  static Result<TokenWindows> create(const TokenShard& shard, int64_t length, uint64_t seed, const std::string& name);

  int64_t per_epoch() const { return per_epoch_; }
  int64_t epoch(int64_t position) const { return position / per_epoch_; }
  // Where window number `position` begins.
  int64_t begin(int64_t position) const;

  // `count` windows from number `position` on, one after the other, and the ids that follow each: length * count of
  // both.
  void fill(int64_t position, int64_t count, std::span<int32_t> inputs, std::span<int32_t> targets) const;

 private:
  TokenWindows(const TokenShard& shard, int64_t length, uint64_t seed, int64_t ids);

  const TokenShard* shard_;
  int64_t length_, per_epoch_, places_;  // places where the first window of an epoch may begin
  uint64_t seed_;
};

// The windows of the validation part that every evaluation takes: all of them side by side, or `most` (not 0) spread
// evenly.
class ValidationWindows {
 public:
  static Result<ValidationWindows> create(const TokenShard& shard, int64_t first, int64_t length, int64_t most,
                                          const std::string& name);

  int64_t count() const { return count_; }
  void fill(int64_t window, int64_t count, std::span<int32_t> inputs, std::span<int32_t> targets) const;

 private:
  ValidationWindows(const TokenShard& shard, int64_t first, int64_t length, int64_t all, int64_t count)
      : shard_(&shard), first_(first), length_(length), all_(all), count_(count) {}

  const TokenShard* shard_;
  int64_t first_, length_, all_, count_;
};

}  // namespace lathe::run
