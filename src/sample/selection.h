// The largest of many values, without sorting them. All orders are total: by value descending, then by id ascending.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace lathe::sample {

struct Candidate {
  int32_t id;
  uint64_t weight;  // the probability in units of 2^-40, rounded down
};

// A place in the order: what stands before it and at it is kept.
struct Cut {
  float least;
  int32_t last;  // the last id of those that equal `least`
  bool keeps(float value, int32_t id) const { return value > least || (value == least && id <= last); }
};

// Buffers for up to `size` values, none of them NaN or -0.
class Selection {
 public:
  explicit Selection(int64_t size);

  static constexpr int64_t kBlock = 64;

  // Looks at `values` once; the functions below are about these.
  void scan(std::span<const float> values);
  float max() const;
  int32_t first_of_max(std::span<const float> values) const;

  // Moves the `k` largest (0: all), but none below `least`, to the front of `values`, in the order of their ids, which
  // ids() then holds. -inf is never among them.
  int64_t gather(std::span<float> values, int64_t k, float least);
  std::span<const int32_t> ids() const { return ids_; }

  // The fewest largest of `probabilities` (0 to 1) whose weights sum to at least `share` (of 2^64) of all weights.
  // `last` of the cut is an index into them.
  Cut nucleus(std::span<const float> probabilities, uint64_t share);

 private:
  int64_t compact(std::span<float> values, int32_t least);
  int64_t cut_to(std::span<float> values, int64_t count, int64_t k);

  std::vector<int32_t> maxima_;    // keys of blocks
  std::vector<int32_t> keys_;      // to be partitioned
  std::vector<int32_t> ids_;       // of candidates
  std::vector<uint64_t> buckets_;  // weights by leading bits of the probability
};

inline constexpr float kWeightUnit = 0x1p-40f;
// A number of at most 24 bits times a power of two: nothing is rounded but what is below a unit.
inline uint64_t weight_of(float probability) { return static_cast<uint64_t>(probability * (1.0f / kWeightUnit)); }

}  // namespace lathe::sample
