// A product of training cut into blocks of C and slices of k, each small enough that the strips of A stay in the cache
// of the core that makes them: C = (accumulate ? C : 0) + A W (+ bias) (+ residual), slice by slice.
//
// ORDER OF ADDITION. The slices depend on K and the numerics alone. Each is summed from +0 as matmul.h says, and they
// are added to C in their order. Blocks change who computes an output, never how.
//
// MatmulPlan prepares all of A before the first tile, which is right where the caches hold it. Here A is as large as
// the gradient of 2048 x 1536 activations or of a chunk of logits, and went through memory twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lathe/status.h"
#include "ops/matmul.h"
#include "platform/team.h"

namespace lathe::ops {

// K in slices of equal size. In f32 none is longer than 320: a chunk of A (144 rows: 180 KiB) then stays in a
// second-level cache of 512 KiB while the panels of W pass by. In b16 they are whole blocks, 1024 at most: products by
// tiles are ten times as fast, and the passes over C are what is left.
struct KSlices {
  int64_t count, each;
  KSlices(int64_t k, matmul::Type w);
  int64_t begin(int64_t i) const { return i * each; }
};

// n columns of k weights in panels, slice after slice.
struct SlicedPanels {
  int64_t n, k;
  matmul::Type type;
  KSlices slices{k, type};

  matmul::Layout layout() const { return matmul::prepared_layout(type); }
  int64_t count() const { return (n + matmul::kPanel - 1) / matmul::kPanel; }  // of a slice
  int64_t size(int64_t slice) const { return slice + 1 < slices.count ? slices.each : k - slices.begin(slice); }
  int64_t panel_bytes(int64_t slice) const { return matmul::panel_bytes(layout(), size(slice)); }
  int64_t begin(int64_t slice) const { return slice * count() * panel_bytes(0); }
  int64_t bytes() const { return begin(slices.count - 1) + count() * panel_bytes(slices.count - 1); }
};

struct SlicedOperands {
  const float* a = nullptr;
  int64_t lda = 0;                    // of A as given: [M,K], or [K,M] where transposed
  const std::byte* panels = nullptr;  // SlicedPanels, where W is packed; else
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
  // Of `problem`, whose weights are f32, or bf16_b16 and prepared; all else is f32, and its batch is 1.
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

  KSlices slices() const { return {problem_.k, problem_.w}; }
  SlicedPanels panels() const { return {problem_.n, problem_.k, problem_.w}; }
  void fit_cache();
  Block block(int64_t i) const;
  bool is_last(int64_t slice) const { return slice + 1 == slices().count; }
  int64_t size(int64_t slice) const { return is_last(slice) ? problem_.k - slices().begin(slice) : slices().each; }
  const matmul::Variant& variant(const Block& block, int64_t slice) const {
    return *variants_[block.last][is_last(slice)];
  }
  void prepare(const SlicedOperands& o, const Block& block, int64_t slice, std::byte* strips) const;
  void multiply(const SlicedOperands& o, const Block& block, int64_t slice, int64_t column, int64_t n,
                const std::byte* strips, std::byte* scratch) const;
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
  int64_t strip_bytes_ = 0;                       // of a slice of a block
  int64_t strips_bytes_ = 0, scratch_bytes_ = 0;  // of a worker
};

}  // namespace lathe::ops
