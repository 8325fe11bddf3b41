// A product of training cut into blocks of C and slices of k, each small enough that the strips of A stay in the cache
// of the core that makes them: C = (accumulate ? C : 0) + A W (+ bias) (+ residual), slice by slice.
//
// ORDER OF ADDITION. The slices depend on K alone. Each is one chain over its k ascending, from +0 (matmul.h), and they
// are added to C in their order. Blocks change who computes an output, never how.
//
// MatmulPlan prepares all of A before the first tile, which is right where the caches hold it. Here A is as large as
// the gradient of 2048 x 1536 activations or of a chunk of logits, and went through memory twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lathe/status.h"
#include "ops/matmul.h"
#include "platform/team.h"

namespace lathe::ops {

// K in slices of equal size, none longer than 320: a chunk of A (144 rows: 180 KiB) then stays in a second-level cache
// of 512 KiB while the panels of W pass by.
struct KSlices {
  int64_t count, each;
  explicit KSlices(int64_t k);
  int64_t begin(int64_t i) const { return i * each; }
};

struct SlicedOperands {
  const float* a = nullptr;
  int64_t lda = 0;                               // of A as given: [M,K], or [K,M] where transposed
  const std::vector<Weights>* panels = nullptr;  // of each slice, where W is packed; else
  const float* w = nullptr;
  int64_t ldw = 0;
  float* c = nullptr;
  int64_t ldc = 0;
  bool accumulate = false;
  const float* bias = nullptr;      // [N]
  const float* residual = nullptr;  // [M,N] with ldc
};

class SlicedProduct {
 public:
  // Of `problem`, which is in f32; its batch is 1.
  static Result<SlicedProduct> create(const matmul::Problem& problem, int workers);

  const matmul::Problem& problem() const { return problem_; }
  int64_t workspace_bytes() const { return workers_ * each_bytes(); }

  // Every worker claims blocks on `counter`, at 0. Ends without a barrier.
  void run(Team::Worker& worker, const SlicedOperands& o, std::byte* workspace, int counter) const noexcept;

 private:
  struct Block {
    int64_t row, rows, column, columns;
    bool last;
  };

  void fit_cache();
  Block block(int64_t i) const;
  bool is_last(int64_t slice) const { return slice + 1 == KSlices(problem_.k).count; }
  int64_t size(int64_t slice) const {
    const KSlices slices(problem_.k);
    return is_last(slice) ? problem_.k - slices.begin(slice) : slices.each;
  }
  void prepare(const SlicedOperands& o, const Block& block, int64_t slice, float* strips) const;
  void multiply(const SlicedOperands& o, const Block& block, int64_t slice, int64_t column, int64_t n,
                const float* strips, std::byte* scratch) const;
  void run_block(const SlicedOperands& o, const Block& block, std::byte* workspace) const;
  int64_t each_bytes() const { return strips_bytes_ + scratch_bytes_; }

  matmul::Problem problem_;
  int64_t workers_ = 1;
  bool by_columns_ = false;  // blocks are of columns, else of rows
  int64_t blocks_ = 1, block_ = 1;
  // [last block][last slice], which may be smaller.
  std::array<std::array<const matmul::Variant*, 2>, 2> variants_{};
  int64_t together_ = 1;                          // slices that are added to C before its next columns
  int64_t columns_ = 1;                           // of C at a time
  int64_t strips_bytes_ = 0, scratch_bytes_ = 0;  // of a worker
};

}  // namespace lathe::ops
