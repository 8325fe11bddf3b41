#include "ops/sliced_product.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/checked.h"

namespace lathe::ops {
namespace {

constexpr int64_t kMostK = 320;
// From 96 to 192 rows a block made no difference above the noise; with 64 weights are decoded too often, and 256 leave
// the cache (4 to 10 % each way).
constexpr int64_t kRows = 144;
// Where W is so much wider than A is high (the head over a chunk of tokens) columns are divided, so that W is read once
// and not by every worker. A is then prepared for each block again, one part in as many as a block has columns.
constexpr int64_t kWide = 16;
constexpr int64_t kColumns = 1024;

// Those from the first column of a panel on.
Weights from_column(const Weights& w, int64_t column) {
  const int64_t first = column / matmul::kPanel * matmul::panel_bytes(w.layout(), w.k());
  const std::shared_ptr<const void> lent(std::shared_ptr<const void>(), w.data());  // nothing is counted or allocated
  return Weights::over({w.data() + first, static_cast<size_t>(w.bytes() - first)}, w.n() - column, w.k(), false,
                       w.layout(), lent);
}

bool is_wide(const matmul::Problem& p) { return p.prepared && p.n >= kWide * p.m && p.n >= 2 * kColumns; }

}  // namespace

KSlices::KSlices(int64_t k) {
  count = ceil_div(k, kMostK);
  each = round_up(ceil_div(k, count), 4);
  count = ceil_div(k, each);
}

Result<SlicedProduct> SlicedProduct::create(const matmul::Problem& problem, int workers) {
  SlicedProduct product;
  product.problem_ = problem;
  product.workers_ = workers;
  product.by_columns_ = is_wide(problem);
  const int64_t size = product.by_columns_ ? problem.n : problem.m;
  if (product.by_columns_) {
    product.block_ = kColumns;
  } else {  // as many for each worker; without so many rows, at least a register tile for each block
    constexpr int64_t kTile = 6;
    product.block_ = ceil_div(size, std::min(round_up(ceil_div(size, kRows), workers), ceil_div(size, kTile)));
  }
  product.blocks_ = ceil_div(size, product.block_);
  const KSlices slices(problem.k);
  for (const bool last_block : {false, true})
    for (const bool last_k : {false, true}) {
      matmul::Problem part = problem;
      part.accumulate = true;
      (product.by_columns_ ? part.n : part.m) =
          last_block ? size - (product.blocks_ - 1) * product.block_ : product.block_;
      part.k = last_k ? problem.k - slices.begin(slices.count - 1) : slices.each;
      auto plan = MatmulPlan::create(part, nullptr, 1);
      if (!plan) return plan.status();
      product.workspace_each_ = std::max(product.workspace_each_, round_up(plan->workspace_bytes(), 64));
      product.plans_[last_block][last_k] = std::move(*plan);
    }
  return product;
}

void SlicedProduct::run_block(const SlicedOperands& o, int64_t block, std::byte* workspace) const {
  const matmul::Problem& p = problem_;
  const KSlices slices(p.k);
  const int64_t row = by_columns_ ? 0 : block * block_, column = by_columns_ ? block * block_ : 0;
  Team::Worker alone;
  MatmulOperands x;
  x.lda = o.lda;
  x.ldw = o.ldw;
  x.c = o.c + row * o.ldc + column;
  x.ldc = o.ldc;
  for (int64_t i = 0; i < slices.count; ++i) {
    const int64_t k = slices.begin(i);
    const bool last = i + 1 == slices.count;
    x.a = o.a + (p.a_transposed ? k * o.lda + row : row * o.lda + k);
    Weights panels;
    if (p.prepared) {
      panels = from_column((*o.panels)[static_cast<size_t>(i)], column);
      x.weights = &panels;
    } else {
      x.w = o.w + (p.order == matmul::Order::kn ? k * o.ldw : k);
    }
    x.epilogue = {};
    x.epilogue.beta = o.accumulate || i > 0 ? 1.0f : 0.0f;
    if (last) {
      x.epilogue.bias = o.bias == nullptr ? nullptr : o.bias + column;
      x.epilogue.residual = o.residual == nullptr ? nullptr : o.residual + row * o.ldc + column;
      x.epilogue.residual_ld = o.ldc;
    }
    plans_[block + 1 == blocks_][last].run(alone, x, workspace);
  }
}

void SlicedProduct::run(Team::Worker& worker, const SlicedOperands& o, std::byte* workspace,
                        int counter) const noexcept {
  std::byte* const own = workspace + worker.id() * workspace_each_;
  for (int64_t block = worker.next(counter); block < blocks_; block = worker.next(counter)) run_block(o, block, own);
}

}  // namespace lathe::ops
