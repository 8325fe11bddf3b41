// The operands of one shape, random and complete: what the contenders read, and the same values in f32 for the
// reference. Weights may be handed on to the next shape, since a sweep over M changes only the activations.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/memory.h"
#include "kernels/matmul/matmul.h"
#include "lathe/status.h"
#include "ops/matmul.h"
#include "platform/team.h"

namespace lathe::probe {

struct WeightKey {
  int64_t n = 0, k = 0;
  int64_t matrices = 1;  // different ones: the batch where unprepared, else 1
  int64_t copies = 1;    // of all of it, so that calls find none in the caches
  matmul::Type type = matmul::Type::f32;
  matmul::Order order = matmul::Order::nk;
  bool gated = false, packed = false;
  uint64_t seed = 0;
  bool operator==(const WeightKey&) const = default;
  int64_t columns() const { return gated ? 2 * n : n; }  // gates first, then ups
  int64_t elements() const { return columns() * k * matrices; }
};

class WeightOperands {
 public:
  static Result<std::shared_ptr<const WeightOperands>> create(const WeightKey& key, Team& team);

  const WeightKey& key() const { return key_; }
  // What every numerics is fed, exact in f32: [matrices][columns][k], or [matrices][k][columns] in order kn.
  // Type i8 is these values times scale()[column].
  const float* values() const { return widened_.size() != 0 ? widened_.as<float>() : source_.as<float>(); }
  const float* scale() const { return scale_.empty() ? nullptr : scale_.data(); }
  // The first copy as a file holds it, all of it.
  const std::byte* source() const { return source_.data(); }
  // f32 only: the copy that call `i` reads.
  const float* plain(int64_t i) const { return source_.as<float>() + i % key_.copies * key_.elements(); }
  const ops::Weights* packed(int64_t i) const { return &packed_[static_cast<size_t>(i % key_.copies)]; }

 private:
  Status fill(Team& team);
  Status pack(Team& team);

  WeightKey key_;
  Buffer source_;   // as a file holds it; f32: every copy
  Buffer widened_;  // another type's values as f32
  std::vector<float> scale_;
  std::vector<ops::Weights> packed_;
};

struct Operands {
  matmul::Problem problem;
  std::shared_ptr<const WeightOperands> w;
  int64_t a_copies = 1;
  Buffer a;         // [copies][batch][M][K], or [K][M] where transposed
  Buffer a_values;  // the first copy as f32, where it is another type
  Buffer bias, col_scale, residual, c_old;
  Buffer c;      // [batch][M][N] and kGuard bytes that nobody may write
  Buffer plain;  // f32 [batch][M][columns]: what libraries without an epilogue write

  static constexpr int64_t kGuard = 256;

  static Result<Operands> create(const matmul::Problem& problem, std::shared_ptr<const WeightOperands> w,
                                 int64_t a_copies, bool plain_c, uint64_t seed, Team& team);

  int64_t a_elements() const { return problem.batch * problem.m * problem.k; }
  int64_t c_elements() const { return problem.batch * problem.m * problem.n; }
  const float* a_floats() const { return a_values.size() != 0 ? a_values.as<float>() : a.as<float>(); }
  const std::byte* a_copy(int64_t i) const;
  // Every step that the problem names, with these operands.
  matmul::Epilogue epilogue() const;
  ops::MatmulOperands call(int64_t i);

  // C before a verified call: NaN (or an unlikely integer), or the old C where the problem adds to it.
  void poison();
  bool guard_intact() const;
};

}  // namespace lathe::probe
