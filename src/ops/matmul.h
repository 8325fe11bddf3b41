// matmul as an operation of the team: shapes checked, weights prepared, a kernel row chosen, the work divided.
//
// Life of a product: Weights::prepare (once, when a weight is bound) -> MatmulPlan::create (once per shape: which
// variant, how divided, how much workspace) -> MatmulPlan::run inside a team program (no allocation).
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/memory.h"
#include "kernels/matmul/layout.h"
#include "kernels/matmul/matmul.h"
#include "lathe/status.h"
#include "platform/team.h"

namespace lathe::ops {

// Weights packed into panels. Gated weights interleave panels of gate and up.
class Weights {
 public:
  // One source [N,K] or [K,N] (or, gated, two of the same shape) packed by `team` (nullptr: the calling thread).
  // `layout` must be one that `sources` can be packed into; matmul::prepared_layout gives the usual one.
  static Result<Weights> prepare(std::span<const matmul::Source> sources, int64_t n, int64_t k, matmul::Layout layout,
                                 Team* team);
  // Sources one below the other, packed as if they were one; all but the last are in whole panels.
  struct Part {
    matmul::Source source;
    int64_t n;  // its columns
  };
  static Result<Weights> prepare_stacked(std::span<const Part> parts, int64_t k, matmul::Layout layout, Team* team);
  // Panels that were packed before, packed_bytes() of them (formats/packed_file.h) and aligned to 64, in memory that
  // `owner` keeps.
  static Weights over(std::span<const std::byte> panels, int64_t n, int64_t k, bool gated, matmul::Layout layout,
                      std::shared_ptr<const void> owner);

  matmul::Layout layout() const { return layout_; }
  int64_t n() const { return n_; }
  int64_t k() const { return k_; }
  bool gated() const { return gated_; }
  int64_t bytes() const {
    return dropped_ > 0 ? dropped_ : static_cast<int64_t>(owner_ ? lent_.size() : panels_.size());
  }
  const std::byte* data() const { return owner_ ? lent_.data() : panels_.data(); }
  // The panels go, all else stays: for who has them elsewhere.
  void drop();

 private:
  Status pack(std::span<const Part> parts, Team* team);

  Buffer panels_;
  std::shared_ptr<const void> owner_;  // where it is set, the panels are lent_
  std::span<const std::byte> lent_;
  matmul::Layout layout_ = matmul::Layout::panel_f32;
  int64_t n_ = 0, k_ = 0;
  int64_t dropped_ = 0;  // bytes of panels that went
  bool gated_ = false;
};

// The operands of one call. Strides are in elements; batch strides are ignored where batch == 1.
struct MatmulOperands {
  const void* a = nullptr;
  int64_t lda = 0;  // of the matrix as given: [M,K], or [K,M] where a_transposed
  int64_t a_batch = 0;
  const Weights* weights = nullptr;  // prepared
  const float* w = nullptr;          // unprepared: f32 [N,K] or [K,N]
  int64_t ldw = 0;
  int64_t w_batch = 0;
  void* c = nullptr;
  int64_t ldc = 0;
  int64_t c_batch = 0;
  matmul::Epilogue epilogue;
};

class MatmulPlan {
 public:
  // With `variant` nullptr the table's regimes choose (or the tuner's choice, where the caller looked one up).
  static Result<MatmulPlan> create(const matmul::Problem& problem, const matmul::Variant* variant, int workers);

  const matmul::Problem& problem() const { return problem_; }
  const matmul::Variant& variant() const { return *variant_; }
  int64_t workspace_bytes() const { return workspace_; }
  // How many workers have work: a program of nothing but this product needs no more to enter it.
  int active_workers() const { return active_; }

  // Called by every worker of a team program, with the same operands and a workspace of workspace_bytes() aligned to
  // 64. Ends without a barrier: the caller synchronises before C is read. Starts with none: A must be complete.
  void run(Team::Worker& worker, const MatmulOperands& operands, std::byte* workspace) const noexcept;

 private:
  // How C is divided. Panels: A is prepared by all, once, and after a barrier workers claim runs of columns until none
  // is left (a worker that the system interrupts then costs its own claim only). With rows enough every worker owns
  // some: it prepares them, claims their columns first and others' when its own are gone, so that A and C stay in the
  // cache of one core. Rows: workers take whole row blocks (of batch entries) and prepare those themselves into memory
  // of their own, without a barrier.
  enum class Split : uint8_t { panels, rows };
  // The panels of an owner's row blocks in one sequence, cut into `coarse` runs of `size` and then into runs of `fine`.
  struct Claims {
    int64_t panels = 0, size = 1, coarse = 0, fine = 1;
    int64_t begin(int64_t claim) const {
      return claim < coarse ? claim * size : std::min(panels, coarse * size + (claim - coarse) * fine);
    }
  };
  struct Prepared;  // where the prepared rows of one row block lie
  struct RowBlock {
    int64_t begin, rows;
  };

  RowBlock row_block(int64_t block) const;
  int64_t items() const { return problem_.batch * row_blocks_; }
  int64_t block_rows() const;  // of the largest block

  Prepared prepared(std::byte* workspace, int worker, int64_t batch, int64_t block) const;
  void prepare_group(const MatmulOperands& x, const Prepared& to, int64_t batch, int64_t block, int64_t group) const;
  void run_rectangle(const MatmulOperands& x, const Prepared& from, std::byte* scratch, int64_t batch, int64_t block,
                     int64_t panel_begin, int64_t panel_end, const matmul::Ahead (&ahead)[2]) const;
  void find_ahead(const MatmulOperands& x, int64_t item, matmul::Ahead (&ahead)[2]) const;
  void run_rows(Team::Worker& worker, const MatmulOperands& x, std::byte* workspace) const;
  void prepare_rows(const MatmulOperands& x, std::byte* workspace, int id) const;
  void run_claims(const MatmulOperands& x, std::byte* workspace, std::byte* scratch, int owner) const;
  void run_panels(Team::Worker& worker, const MatmulOperands& x, std::byte* workspace) const;

  matmul::Problem problem_;
  const matmul::Variant* variant_ = nullptr;
  Split split_ = Split::panels;
  int workers_ = 1;  // of the team
  int active_ = 1;   // of those, how many have work: a product of a microsecond is not worth a second thread
  int64_t row_blocks_ = 1;
  int owners_ = 1;  // of equal numbers of row blocks
  Claims claims_;
  // The workspace: a line with a claim counter for each owner, prepared rows, their scales, their sums, scratch of each
  // worker. Offsets in bytes.
  int64_t workspace_ = 0;
  int64_t rows_at_ = 0, scale_at_ = 0, sum_at_ = 0, scratch_at_ = 0, scratch_each_ = 0;
};

// Which variant dispatch takes for `problem` on `features` when no tuner plan says otherwise, by the regimes table.
Result<const matmul::Variant*> choose_variant(const matmul::Problem& problem, FeatureSet features);

// FLOPs (2*M*N*K*batch; gated counts both halves) and the bytes that must move at least once (A, W as prepared, C).
struct Cost {
  double flops = 0, bytes = 0;
};
Cost cost(const matmul::Problem& problem);

}  // namespace lathe::ops
