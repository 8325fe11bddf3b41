#include "probe/rotation.h"

#include <algorithm>
#include <string>

#include "base/checked.h"
#include "tune/problem_text.h"

namespace lathe::probe {
namespace {

// Twice the last cache leaves a cyclic reader nothing where the oldest line goes first, and little where a random one
// does: three times is safe for both.
constexpr int64_t kCachesFilled = 3;
// Weights of 96 KiB and more can be made cold with these on a 32 MiB cache. Smaller ones leave the first two levels.
constexpr int64_t kMostCopies = 1024;
constexpr int64_t kMemoryShare = 4;  // copies take a quarter of what is free at most

}  // namespace

Result<Rotation> plan_rotation(const matmul::Problem& p, bool hot, int packings, const Memory& memory) {
  const auto bytes = tune::operand_bytes(p);
  if (!bytes) return bytes.status();
  Rotation rotation;
  const int64_t turning = p.prepared ? bytes->w : bytes->w + bytes->a;
  rotation.cold_bytes = static_cast<double>(turning);
  // One of each packing, the weights' values in f32 for the reference, and C with its float64 reference.
  const auto f32_weights = checked_mul(p.n, p.k, p.gated ? 2 : 1, p.prepared ? 1 : p.batch, 4);
  const auto once = f32_weights ? checked_add(*f32_weights, bytes->total()) : std::nullopt;
  const auto all = once ? checked_mul(*once, packings + 1) : std::nullopt;
  if (!all || (memory.available_bytes > 0 && *all > memory.available_bytes / 10 * 9))
    return out_of_memory("its operands take about " +
                         (all ? std::to_string(*all >> 20) + " MiB" : "more than 2^63 bytes") + ", and " +
                         std::to_string(memory.available_bytes >> 20) + " MiB are free");
  const int64_t wanted = kCachesFilled * memory.last_cache_bytes;
  if (!hot && turning > 0) {
    int64_t most = kMostCopies;
    if (memory.available_bytes > 0)
      most = std::min(most, memory.available_bytes / kMemoryShare / std::max<int64_t>(1, turning * packings));
    rotation.copies = std::clamp<int64_t>(ceil_div(wanted, turning), 1, std::max<int64_t>(1, most));
    rotation.cold = rotation.copies * turning >= wanted;
  }
  rotation.needed_bytes = *all + (rotation.copies - 1) * turning * packings;
  return rotation;
}

}  // namespace lathe::probe
