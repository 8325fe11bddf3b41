// Rotary positions over a ragged batch: the queries and keys of every token are normalised by head and rotated in
// place.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "kernels/norm/norm.h"
#include "kernels/rope/rope.h"
#include "ops/embedding.h"
#include "platform/team.h"

namespace lathe::ops {

// Cosines and sines of the positions that were asked for so far.
class RopeTable {
 public:
  RopeTable() = default;
  // `factors` [rotary / 2] (or none) and `magnitude` as rope::TableArgs has them.
  RopeTable(int64_t rotary, double base, double position_scale, std::vector<float> factors = {}, double magnitude = 1)
      : rotary_(rotary),
        base_(base),
        position_scale_(position_scale),
        magnitude_(magnitude),
        factors_(std::move(factors)) {}

  // Positions 0 .. count - 1 are there afterwards; it grows by doubling, up to `most`, so that a model of long texts
  // costs neither the time nor the memory for them before one is seen.
  void reserve(int64_t count, int64_t most);

  int64_t positions() const { return rotary_ == 0 ? 0 : static_cast<int64_t>(cos_.size()) / (rotary_ / 2); }
  int64_t rotary() const { return rotary_; }
  const float* cos() const { return cos_.data(); }
  const float* sin() const { return sin_.data(); }

 private:
  int64_t rotary_ = 0;
  double base_ = 0, position_scale_ = 1, magnitude_ = 1;
  std::vector<float> factors_;
  std::vector<float> cos_, sin_;
};

// Of each row of `x`, the first `heads` heads are queries and the next `kv_heads` are keys.
struct RotateOperands {
  int64_t heads = 1, kv_heads = 1, head_dim = 1;
  const float* query_norm = nullptr;  // [head_dim]
  const float* key_norm = nullptr;
  float weight_offset = 0;  // norm::Args::weight_offset of both
  float eps = 1e-6f;
  const RopeTable* table = nullptr;
  float* x = nullptr;  // of the first token
  int64_t row = 0;     // elements from a token to the next
};
// Every worker takes its share of the tokens. Ends without a barrier.
void norm_and_rotate(const Team::Worker& worker, const norm::Variant& norm, const rope::Variant& rope,
                     const TextBatch& batch, const RotateOperands& x) noexcept;

}  // namespace lathe::ops
