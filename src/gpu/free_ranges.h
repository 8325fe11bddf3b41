// Which bytes of a block are free. First fit from the front: buffers of a model are made at its start and live as long.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

namespace lathe::gpu {

class FreeRanges {
 public:
  explicit FreeRanges(int64_t bytes) : bytes_(bytes) { free_.emplace(0, bytes); }

  // Where `bytes` were taken; nothing where no range holds as many. `alignment` is a power of two.
  std::optional<int64_t> take(int64_t bytes, int64_t alignment);
  void give(int64_t at, int64_t bytes);

  bool empty() const { return free_.size() == 1 && free_.begin()->second == bytes_; }

 private:
  int64_t bytes_;
  std::map<int64_t, int64_t> free_;  // from where, how many
};

}  // namespace lathe::gpu
