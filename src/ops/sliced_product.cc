#include "ops/sliced_product.h"

#include <algorithm>
#include <utility>

#include "base/checked.h"

namespace lathe::ops {
namespace {

constexpr int64_t kMostK = 320;
// From 96 to 192 rows a block made no difference above the noise; with 64 weights are decoded too often, and 256 leave
// the cache (4 to 10 % each way).
constexpr int64_t kRows = 144;

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
  // As many blocks for each worker; without so many rows, at least a register tile for each block.
  constexpr int64_t kTile = 6;
  const int64_t blocks = std::min(round_up(ceil_div(problem.m, kRows), workers), ceil_div(problem.m, kTile));
  product.block_rows_ = ceil_div(problem.m, blocks);
  product.blocks_ = ceil_div(problem.m, product.block_rows_);
  const KSlices slices(problem.k);
  for (const bool last_rows : {false, true})
    for (const bool last_k : {false, true}) {
      matmul::Problem part = problem;
      part.accumulate = true;
      part.m = last_rows ? problem.m - (product.blocks_ - 1) * product.block_rows_ : product.block_rows_;
      part.k = last_k ? problem.k - slices.begin(slices.count - 1) : slices.each;
      auto plan = MatmulPlan::create(part, nullptr, 1);
      if (!plan) return plan.status();
      product.workspace_each_ = std::max(product.workspace_each_, round_up(plan->workspace_bytes(), 64));
      product.plans_[last_rows][last_k] = std::move(*plan);
    }
  return product;
}

void SlicedProduct::run_block(const SlicedOperands& o, int64_t block, std::byte* workspace) const {
  const matmul::Problem& p = problem_;
  const KSlices slices(p.k);
  const int64_t row = block * block_rows_;
  Team::Worker alone;
  MatmulOperands x;
  x.lda = o.lda;
  x.ldw = o.ldw;
  x.c = o.c + row * o.ldc;
  x.ldc = o.ldc;
  for (int64_t i = 0; i < slices.count; ++i) {
    const int64_t k = slices.begin(i);
    const bool last = i + 1 == slices.count;
    x.a = o.a + (p.a_transposed ? k * o.lda + row : row * o.lda + k);
    if (p.prepared) {
      x.weights = &(*o.panels)[static_cast<size_t>(i)];
    } else {
      x.w = o.w + (p.order == matmul::Order::kn ? k * o.ldw : k);
    }
    x.epilogue = {};
    x.epilogue.beta = o.accumulate || i > 0 ? 1.0f : 0.0f;
    if (last) {
      x.epilogue.bias = o.bias;
      x.epilogue.residual = o.residual == nullptr ? nullptr : o.residual + row * o.ldc;
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
