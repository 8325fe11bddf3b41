#include "ops/sliced_product.h"

#include <algorithm>

#include "base/checked.h"
#include "kernels/matmul/layout.h"
#include "platform/machine.h"

namespace lathe::ops {
namespace {

using matmul::Type;

constexpr int64_t kFloat = sizeof(float);
constexpr int64_t kMostK = 320, kMostB16 = 1024;
// From 96 to 192 rows a block made no difference above the noise; with 64 weights are decoded too often, and 256 leave
// the cache (4 to 10 % each way).
constexpr int64_t kRows = 144;
// Of b16: W passes by once for each block, from the third-level cache, at ten times the pace: blocks are as high as
// half of the second-level cache allows, in pairs of tiles.
constexpr int64_t kMostRowsB16 = 256, kTileRowsB16 = 32;
// Strips of A of several slices lie in half of the second-level cache, where it has room, and the slices are added to
// C a few columns at a time, for which a quarter of it is. Else C comes and goes with every slice: with 2 MiB (Golden
// Cove, whose third-level cache is far away) 144 x 4096 of it went three times through a core that did nothing else.
constexpr int64_t kUsualCache = int64_t{512} << 10, kMostCache = int64_t{2} << 20;  // a larger one is several cores'
constexpr int64_t kColumnStep = 128;
// Where W is so much wider than A is high (the head over a chunk of tokens) columns are divided, so that W is read once
// and not by every worker. A is then prepared for each block again, one part in as many as a block has columns.
constexpr int64_t kWide = 16;
constexpr int64_t kColumns = 1024;

int64_t cache_bytes() {
  const int64_t found = this_machine().l2.bytes;
  return std::min(found > 0 ? found : kUsualCache, kMostCache);
}

bool is_wide(const matmul::Problem& p) { return p.prepared && p.n >= kWide * p.m && p.n >= 2 * kColumns; }

}  // namespace

KSlices::KSlices(int64_t k, Type w) {
  const bool b16 = w == Type::bf16_b16;
  count = ceil_div(k, b16 ? kMostB16 : kMostK);
  each = round_up(ceil_div(k, count), b16 ? matmul::kBlock : 4);
  count = ceil_div(k, each);
}

namespace {

// Bytes of a row of A as `variant` reads it, over a slice.
int64_t strip_bytes(const matmul::Variant& variant, int64_t k) {
  return matmul::prepared_k(variant.a_form, k) * matmul::prepared_bytes(variant.a_form);
}

// Rows of a block, where there are as many for each worker.
int64_t row_block(const matmul::Variant& variant, int64_t slice) {
  if (variant.w != Type::bf16_b16) return kRows;
  const int64_t rows = cache_bytes() / 2 / strip_bytes(variant, slice);
  return std::clamp(rows / kTileRowsB16 * kTileRowsB16, kTileRowsB16, kMostRowsB16);
}

}  // namespace

Result<SlicedProduct> SlicedProduct::create(const matmul::Problem& problem, int workers) {
  SlicedProduct product;
  product.problem_ = problem;
  product.workers_ = workers;
  product.by_columns_ = is_wide(problem);
  const int64_t size = product.by_columns_ ? problem.n : problem.m;
  const KSlices slices = product.slices();
  const auto usual = choose_variant(problem, cpu_features());
  if (!usual) return usual.status();
  if (product.by_columns_) {
    product.block_ = kColumns;
  } else {  // as many for each worker; without so many rows, at least a register tile for each block
    constexpr int64_t kTile = 6;
    const int64_t blocks = round_up(ceil_div(size, row_block(**usual, slices.each)), workers);
    product.block_ = ceil_div(size, std::min(blocks, ceil_div(size, kTile)));
    if (problem.w == Type::bf16_b16) product.block_ = round_up(product.block_, kTileRowsB16);
  }
  product.blocks_ = ceil_div(size, product.block_);
  for (const bool last_block : {false, true})
    for (const bool last_k : {false, true}) {
      matmul::Problem part = problem;
      part.accumulate = true;
      (product.by_columns_ ? part.n : part.m) =
          last_block ? size - (product.blocks_ - 1) * product.block_ : product.block_;
      part.k = last_k ? problem.k - slices.begin(slices.count - 1) : slices.each;
      const auto variant = choose_variant(part, cpu_features());
      if (!variant) return variant.status();
      product.variants_[last_block][last_k] = *variant;
      product.scratch_bytes_ =
          std::max(product.scratch_bytes_, round_up((*variant)->scratch_bytes(part.m, part.k), 64));
    }
  product.fit_cache();
  return product;
}

void SlicedProduct::fit_cache() {
  const int64_t cache = cache_bytes(), rows = by_columns_ ? problem_.m : block_;
  strip_bytes_ = rows * strip_bytes(*variants_[0][0], slices().each);
  together_ = std::clamp<int64_t>(cache / 2 / strip_bytes_, 1, slices().count);
  columns_ = together_ == 1 ? round_up(problem_.n, kColumnStep)
                            : std::max(kColumnStep, cache / 4 / (rows * kFloat) / kColumnStep * kColumnStep);
  strips_bytes_ = round_up(together_ * strip_bytes_, 64);
}

void SlicedProduct::prepare(const SlicedOperands& o, const Block& block, int64_t slice, std::byte* strips) const {
  const matmul::Variant& variant = this->variant(block, slice);
  const matmul::RowGroups groups(block.rows, variant.mr);
  matmul::PrepareArgs args{};
  args.k = size(slice);
  args.a_row = problem_.a_transposed ? 1 : o.lda;
  args.a_k = problem_.a_transposed ? o.lda : 1;
  args.a_type = Type::f32;
  for (int64_t g = 0; g < groups.count; ++g) {
    args.m = groups.rows(g);
    args.a = o.a + (block.row + groups.begin(g)) * args.a_row + slices().begin(slice) * args.a_k;
    args.rows = strips + groups.begin(g) * strip_bytes(variant, args.k);
    variant.prepare(args);
  }
}

// C[block, n columns from `column` on] of one slice.
void SlicedProduct::multiply(const SlicedOperands& o, const Block& block, int64_t slice, int64_t column, int64_t n,
                             const std::byte* strips, std::byte* scratch) const {
  const matmul::Variant& variant = this->variant(block, slice);
  matmul::Args args{};
  args.m = block.rows;
  args.n = n;
  args.k = size(slice);
  args.a = strips;
  args.w_ld = o.ldw;
  if (problem_.prepared) {
    args.w_panel = panels().panel_bytes(slice);
    args.w = o.panels + panels().begin(slice) + column / matmul::kPanel * args.w_panel;
  } else if (problem_.order == matmul::Order::kn) {
    args.w_panel = matmul::kPanel * kFloat;
    args.w = reinterpret_cast<const std::byte*>(o.w + slices().begin(slice) * o.ldw + column);
  } else {
    args.w_panel = matmul::kPanel * kFloat * o.ldw;
    args.w = reinterpret_cast<const std::byte*>(o.w + column * o.ldw + slices().begin(slice));
  }
  args.c = o.c + block.row * o.ldc + column;
  args.ldc = o.ldc;
  args.c_type = matmul::Type::f32;
  args.epilogue.beta = o.accumulate || slice > 0 ? 1.0f : 0.0f;
  if (is_last(slice)) {
    args.epilogue.bias = o.bias == nullptr ? nullptr : o.bias + column;
    args.epilogue.residual = o.residual == nullptr ? nullptr : o.residual + block.row * o.ldc + column;
    args.epilogue.residual_ld = o.ldc;
  }
  args.scratch = scratch;
  variant.run(args);
}

void SlicedProduct::run_block(const SlicedOperands& o, const Block& block, std::byte* workspace) const {
  const int64_t count = slices().count;
  std::byte* const scratch = workspace + strips_bytes_;
  const auto strips_of = [&](int64_t first, int64_t slice) { return workspace + (slice - first) * strip_bytes_; };
  for (int64_t first = 0; first < count; first += together_) {
    const int64_t end = std::min(first + together_, count);
    for (int64_t slice = first; slice < end; ++slice) prepare(o, block, slice, strips_of(first, slice));
    for (int64_t at = 0; at < block.columns; at += columns_)
      for (int64_t slice = first; slice < end; ++slice)
        multiply(o, block, slice, block.column + at, std::min(columns_, block.columns - at), strips_of(first, slice),
                 scratch);
  }
}

SlicedProduct::Block SlicedProduct::block(int64_t i) const {
  const int64_t all = by_columns_ ? problem_.n : problem_.m, begin = i * block_, size = std::min(block_, all - begin);
  const bool last = i + 1 == blocks_;
  return by_columns_ ? Block{0, problem_.m, begin, size, last} : Block{begin, size, 0, problem_.n, last};
}

void SlicedProduct::run(Team::Worker& worker, const SlicedOperands& o, std::byte* workspace,
                        int counter) const noexcept {
  std::byte* const own = workspace + worker.id() * each_bytes();
  for (int64_t i = worker.next(counter); i < blocks_; i = worker.next(counter)) run_block(o, this->block(i), own);
}

}  // namespace lathe::ops
