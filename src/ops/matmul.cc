#include "ops/matmul.h"

#include <algorithm>
#include <atomic>

#include "base/checked.h"
#include "ops/regimes.h"

namespace lathe::ops {

using matmul::AForm;
using matmul::Ahead;
using matmul::kBlock;
using matmul::kPanel;
using matmul::Layout;
using matmul::Order;
using matmul::Problem;
using matmul::RowGroups;
using matmul::Type;
using matmul::Variant;

namespace {

constexpr int64_t kLine = 64;  // bytes of a cache line

int64_t element_bytes(Type type) {
  switch (type) {
    case Type::f32:
    case Type::s32:
      return 4;
    case Type::bf16:
    case Type::f16:
    case Type::bf16_b16:
    case Type::bf16_d16:
      return 2;
    default:
      return 1;
  }
}

// Bytes of an N x K weight as it is kept in memory, without padding to panels.
double weight_bytes(Type type, double n, double k) {
  switch (type) {
    case Type::q8_0:
      return n * k * 34 / 32;
    case Type::q8_a7:
      return n * k * 36 / 32;
    case Type::q4_0:
    case Type::q4_1:
    case Type::q4_k:
    case Type::q5_k:
    case Type::q6_k: {
      constexpr int64_t kSome = 512;  // panels of so many k have no padding
      return n * k * static_cast<double>(matmul::panel_bytes(matmul::prepared_layout(type), kSome)) /
             static_cast<double>(kSome * kPanel);
    }
    default:
      return n * k * static_cast<double>(element_bytes(type));
  }
}

Status check_sizes(const Problem& p) {
  const int64_t fold = p.gated ? 2 : 1;
  const struct {
    const char* name;
    int64_t value;
  } sizes[] = {{"M", p.m}, {"N", p.n}, {"K", p.k}, {"batch", p.batch}};
  for (const auto& size : sizes)
    if (size.value < 1)
      return invalid_argument(std::string(size.name) + " is " + std::to_string(size.value) + "; it must be at least 1");
  // 2^46 bytes is beyond any machine this runs on, and leaves room for every sum of offsets below.
  constexpr int64_t kLimit = int64_t{1} << 46;
  const std::optional<int64_t> products[] = {
      checked_mul(p.m, p.k, p.batch, 4), checked_mul(p.n, p.k, p.batch, fold * 4), checked_mul(p.m, p.n, p.batch, 4)};
  for (const auto& bytes : products)
    if (!bytes || *bytes > kLimit)
      return invalid_argument("a product of " + std::to_string(p.m) + " x " + std::to_string(p.n) + " x " +
                              std::to_string(p.k) + " (batch " + std::to_string(p.batch) +
                              ") does not fit in any memory");
  return {};
}

}  // namespace

Cost cost(const Problem& p) {
  const double m = static_cast<double>(p.m), k = static_cast<double>(p.k), batch = static_cast<double>(p.batch);
  const double w_columns = static_cast<double>(p.n) * (p.gated ? 2 : 1);
  Cost c;
  c.flops = 2 * m * w_columns * k * batch;
  c.bytes = batch * (m * k * static_cast<double>(element_bytes(p.a)) + weight_bytes(p.w, w_columns, k) +
                     m * static_cast<double>(p.n * element_bytes(p.c)));
  return c;
}

namespace {

Status check_source(const matmul::Source& source, int64_t n, int64_t k, Layout layout) {
  if (source.data == nullptr) return invalid_argument("a weight's source has no data");
  const int64_t unit = matmul::k_unit(source.type);
  const bool blocks = unit > 1;
  if (blocks && source.order != Order::nk)
    return invalid_argument("blocks of " + std::to_string(unit) + " run along K: a " +
                            std::string(type_name(source.type)) + " weight must be [N,K]");
  // Smaller blocks are filled up with zeros.
  const int64_t needed = std::max(unit, matmul::k_unit(layout));
  if (needed > kBlock && k % needed != 0)
    return invalid_argument("K is " + std::to_string(k) + "; blocks of " + std::to_string(needed) +
                            " need a multiple of that");
  if (unit > kBlock && layout != matmul::prepared_layout(source.type))
    return invalid_argument(std::string(type_name(source.type)) + " weights cannot be packed as " +
                            std::string(layout_name(layout)));
  const int64_t least = source.order == Order::nk ? k : n;
  if (!blocks && source.ld < least)
    return invalid_argument("a weight's row stride is " + std::to_string(source.ld) + "; it needs at least " +
                            std::to_string(least));
  return {};
}

}  // namespace

void Weights::drop() {
  dropped_ = bytes();
  panels_ = Buffer();
  owner_.reset();
  lent_ = {};
}

Status Weights::pack(std::span<const Part> parts, Team* team) {
  Problem shape;
  shape.n = n_;
  shape.k = k_;
  shape.gated = gated_;
  if (Status status = check_sizes(shape); !status.ok()) return status;
  for (const Part& part : parts)
    if (Status status = check_source(part.source, part.n, k_, layout_); !status.ok()) return status;
  const int64_t each = matmul::panel_bytes(layout_, k_);
  if (each == 0) return invalid_argument(std::string(layout_name(layout_)) + " is not a prepared layout");
  const int64_t fold = gated_ ? 2 : 1;
  const int64_t panels = ceil_div(n_, kPanel) * fold;
  auto buffer = Buffer::create(panels * each);
  if (!buffer) return buffer.status();
  panels_ = std::move(*buffer);
  const auto pack_one = [&](int64_t panel) {
    std::byte* out = panels_.data() + panel * each;
    if (gated_) {  // panels of the two alternate
      const Part& part = parts[static_cast<size_t>(panel % fold)];
      return matmul::pack_panel(layout_, part.source, part.n, k_, panel / fold, out);
    }
    const Part* part = parts.data();
    for (; panel >= ceil_div(part->n, kPanel); ++part) panel -= part->n / kPanel;
    matmul::pack_panel(layout_, part->source, part->n, k_, panel, out);
  };
  if (team == nullptr) {
    for (int64_t panel = 0; panel < panels; ++panel) pack_one(panel);
  } else {
    team->run([&](Team::Worker& worker) {
      const int64_t end = panels * (worker.id() + 1) / worker.count();
      for (int64_t panel = panels * worker.id() / worker.count(); panel < end; ++panel) pack_one(panel);
    });
  }
  return {};
}

Result<Weights> Weights::prepare(std::span<const matmul::Source> sources, int64_t n, int64_t k, Layout layout,
                                 Team* team) {
  if (sources.empty() || sources.size() > 2)
    return invalid_argument("a weight has one source, or two where it is gated; found " +
                            std::to_string(sources.size()));
  Weights w;
  w.layout_ = layout;
  w.n_ = n;
  w.k_ = k;
  w.gated_ = sources.size() == 2;
  const Part parts[] = {{sources.front(), n}, {sources.back(), n}};
  if (Status status = w.pack(std::span(parts).first(sources.size()), team); !status.ok()) return status;
  return w;
}

Result<Weights> Weights::prepare_stacked(std::span<const Part> parts, int64_t k, Layout layout, Team* team) {
  if (parts.empty()) return invalid_argument("a weight has one source or more one below the other; found none");
  Weights w;
  w.layout_ = layout;
  w.k_ = k;
  for (const Part& part : parts) {
    if (w.n_ % kPanel != 0 || part.n < 1)
      return invalid_argument("a source begins at column " + std::to_string(w.n_) + " and has " +
                              std::to_string(part.n) + ", needed: a multiple of " + std::to_string(kPanel) +
                              ", and at least 1");
    const auto n = checked_add(w.n_, part.n);
    if (!n) return invalid_argument("the sources of a weight have more columns than any memory holds");
    w.n_ = *n;
  }
  if (Status status = w.pack(parts, team); !status.ok()) return status;
  return w;
}

Weights Weights::over(std::span<const std::byte> panels, int64_t n, int64_t k, bool gated, Layout layout,
                      std::shared_ptr<const void> owner) {
  Weights w;
  w.lent_ = panels;
  w.owner_ = std::move(owner);
  w.layout_ = layout;
  w.n_ = n;
  w.k_ = k;
  w.gated_ = gated;
  return w;
}

Result<const Variant*> choose_variant(const Problem& problem, FeatureSet features) {
  if (Status status = check_sizes(problem); !status.ok()) return status;
  const Variant* best = nullptr;
  for (const Variant* row : matmul::variants()) {
    if (!by_default(*row, problem)) continue;
    const std::string reason = matmul::refusal(*row, problem, features);
    if (!reason.empty()) continue;
    if (best == nullptr || (row->isa == best->isa && preferred(*row, *best, problem))) best = row;
  }
  if (best == nullptr)
    return unsupported("no kernel takes " + std::string(type_name(problem.a)) + " activations by " +
                       (problem.prepared ? "prepared " : "unprepared ") + std::string(type_name(problem.w)) +
                       " weights into " + std::string(type_name(problem.c)) + " with this epilogue");
  return best;
}

Result<MatmulPlan> MatmulPlan::create(const Problem& problem, const Variant* variant, int workers) {
  if (Status status = check_sizes(problem); !status.ok()) return status;
  if (workers < 1) return invalid_argument("a team has at least 1 worker; found " + std::to_string(workers));
  if (variant == nullptr) {
    auto chosen = choose_variant(problem, cpu_features());
    if (!chosen) return chosen.status();
    variant = *chosen;
  } else if (const std::string reason = matmul::refusal(*variant, problem, cpu_features()); !reason.empty()) {
    return unsupported(std::string(variant->name) + " " + reason);
  }

  MatmulPlan plan;
  plan.problem_ = problem;
  plan.variant_ = variant;
  plan.workers_ = workers;
  const Cost c = cost(problem);
  const double ns = std::max(c.flops / kFlopsPerNs, c.bytes / kBytesPerNs);
  plan.active_ = static_cast<int>(std::clamp<double>(ns / kNsPerWorker, 1, workers));

  const int64_t panels = ceil_div(problem.n, kPanel);
  plan.row_blocks_ = ceil_div(problem.m, kRowsPerBlock);
  if (plan.active_ > 1 && panels < kPanelsPerWorker * plan.active_) {
    plan.split_ = Split::rows;
    const int64_t wanted = problem.batch >= plan.active_ ? 1 : ceil_div(plan.active_, problem.batch);
    const int64_t most = ceil_div(problem.m, variant->mr);
    if (wanted > most && problem.batch * most < panels) {
      plan.split_ = Split::panels;  // few rows and few panels: columns divide better than rows
    } else {
      plan.row_blocks_ = std::min(round_up(plan.row_blocks_, wanted), most);
    }
  }

  if (plan.split_ == Split::panels && problem.batch == 1 && problem.m >= kRowsPerOwner * plan.active_) {
    plan.owners_ = plan.active_;
    plan.row_blocks_ = round_up(plan.row_blocks_, plan.owners_);
  }

  // Rows that are prepared at the same time: all of them, or one block for each worker.
  const int64_t rows =
      plan.split_ == Split::panels && plan.active_ > 1 ? problem.batch * problem.m : plan.active_ * plan.block_rows();
  const AForm form = variant->a_form;
  plan.rows_at_ = kLine * plan.owners_;
  plan.scale_at_ = plan.rows_at_ + round_up(rows * prepared_k(form, problem.k) * prepared_bytes(form), kLine);
  plan.sum_at_ = plan.scale_at_ + round_up(rows * prepared_scales(form, problem.k) * 4, kLine);
  plan.scratch_at_ = plan.sum_at_ + round_up(rows * prepared_sums(form, problem.k) * 4, kLine);
  plan.scratch_each_ = round_up(variant->scratch_bytes(plan.block_rows(), problem.k), kLine);
  plan.workspace_ = plan.scratch_at_ + plan.scratch_each_ * plan.active_;
  Claims& claims = plan.claims_;
  claims.panels = panels * plan.items() / plan.owners_;
  claims.fine = std::max(1, variant->nr / kPanel / (problem.gated ? 2 : 1));
  const int64_t workers_each = plan.active_ / plan.owners_;
  claims.size = std::clamp<int64_t>(claims.panels / (workers_each * kClaimsPerWorker), claims.fine, kMostPanels);
  claims.coarse = std::max<int64_t>(0, claims.panels / claims.size - workers_each);
  return plan;
}

// Blocks are made of whole register tiles: 64 rows in two are 36 and 28, since 32 would be six tiles twice, not 11.
MatmulPlan::RowBlock MatmulPlan::row_block(int64_t block) const {
  const int64_t mr = variant_->mr, tiles = ceil_div(problem_.m, mr);
  const int64_t begin = tiles * block / row_blocks_ * mr;
  return {begin, std::min(tiles * (block + 1) / row_blocks_ * mr, problem_.m) - begin};
}

int64_t MatmulPlan::block_rows() const {
  return std::min(problem_.m, ceil_div(ceil_div(problem_.m, variant_->mr), row_blocks_) * variant_->mr);
}

namespace {
int64_t* claim_counter(std::byte* workspace, int owner) {
  return reinterpret_cast<int64_t*>(workspace + owner * kLine);
}
}  // namespace

struct MatmulPlan::Prepared {
  std::byte* rows;
  float* scale;
  int32_t* sum;
  // From row `row` of these on.
  Prepared from(int64_t row, AForm form, int64_t k) const {
    return {rows + row * prepared_k(form, k) * prepared_bytes(form), scale + row * prepared_scales(form, k),
            sum + row * prepared_sums(form, k)};
  }
};

MatmulPlan::Prepared MatmulPlan::prepared(std::byte* workspace, int worker, int64_t batch, int64_t block) const {
  const bool shared = split_ == Split::panels && active_ > 1;
  const int64_t row = shared ? batch * problem_.m + row_block(block).begin : worker * block_rows();
  const Prepared all = {workspace + rows_at_, reinterpret_cast<float*>(workspace + scale_at_),
                        reinterpret_cast<int32_t*>(workspace + sum_at_)};
  return all.from(row, variant_->a_form, problem_.k);
}

void MatmulPlan::prepare_group(const MatmulOperands& x, const Prepared& to, int64_t batch, int64_t block,
                               int64_t group) const {
  const Problem& p = problem_;
  const RowBlock rows = row_block(block);
  const RowGroups groups(rows.rows, variant_->mr);
  const int64_t first = groups.begin(group);  // within the block
  matmul::PrepareArgs args;
  args.m = groups.rows(group);
  args.k = p.k;
  args.a_row = p.a_transposed ? 1 : x.lda;
  args.a_k = p.a_transposed ? x.lda : 1;
  args.a =
      static_cast<const std::byte*>(x.a) + (batch * x.a_batch + (rows.begin + first) * args.a_row) * element_bytes(p.a);
  args.a_type = p.a;
  const Prepared out = to.from(first, variant_->a_form, p.k);
  args.rows = out.rows;
  args.scale = out.scale;
  args.sum = out.sum;
  variant_->prepare(args);
}

namespace {
Ahead matrix_ahead(const void* first, int64_t rows, int64_t columns, int64_t ld) {
  const std::byte* from = static_cast<const std::byte*>(first);
  if (columns == ld || rows == 1) return {from, 1, rows * columns * 4, 0};
  return {from, rows, columns * 4, ld * 4};
}
}  // namespace

// What the worker reads after `item`: the A and the W of its next one, as far as they are others.
void MatmulPlan::find_ahead(const MatmulOperands& x, int64_t item, Ahead (&ahead)[2]) const {
  const Problem& p = problem_;
  const int64_t batch = (item + 1) / row_blocks_;
  const RowBlock rows = row_block((item + 1) % row_blocks_);
  const float* a = static_cast<const float*>(x.a) + batch * x.a_batch;
  ahead[0] = p.a_transposed ? matrix_ahead(a + rows.begin, p.k, rows.rows, x.lda)
                            : matrix_ahead(a + rows.begin * x.lda, rows.rows, p.k, x.lda);
  if (batch == item / row_blocks_) return;
  const float* w = x.w + batch * x.w_batch;
  ahead[1] = p.order == Order::nk ? matrix_ahead(w, p.n, p.k, x.ldw) : matrix_ahead(w, p.k, p.n, x.ldw);
}

void MatmulPlan::run_rectangle(const MatmulOperands& x, const Prepared& from, std::byte* scratch, int64_t batch,
                               int64_t block, int64_t panel_begin, int64_t panel_end, const Ahead (&ahead)[2]) const {
  const Problem& p = problem_;
  const RowBlock rows = row_block(block);
  const int64_t col = panel_begin * kPanel;
  const int64_t fold = p.gated ? 2 : 1;
  matmul::Args args;
  args.m = rows.rows;
  args.n = std::min(panel_end * kPanel, p.n) - col;
  args.k = p.k;
  args.a = from.rows;
  args.a_scale = from.scale;
  args.a_sum = from.sum;
  args.w_ld = x.ldw;
  if (p.prepared) {
    args.w_panel = matmul::panel_bytes(variant_->layout, p.k);
    args.w = x.weights->data() + panel_begin * fold * args.w_panel;
  } else {
    args.w_panel = kPanel * 4 * (p.order == Order::nk ? x.ldw : 1);
    args.w = reinterpret_cast<const std::byte*>(x.w + batch * x.w_batch) + panel_begin * args.w_panel;
  }
  args.c = static_cast<std::byte*>(x.c) + (batch * x.c_batch + rows.begin * x.ldc + col) * element_bytes(p.c);
  args.ldc = x.ldc;
  args.c_type = p.c;
  args.epilogue = x.epilogue;
  matmul::Epilogue& e = args.epilogue;
  args.bias_up = e.bias != nullptr && p.gated ? e.bias + p.n + col : nullptr;
  if (e.bias != nullptr) e.bias += col;
  if (e.col_scale != nullptr) e.col_scale += col;
  if (e.w_zero != nullptr) e.w_zero += col;
  if (e.residual != nullptr) e.residual += (batch * p.m + rows.begin) * e.residual_ld + col;
  args.scratch = scratch;
  args.ahead[0] = ahead[0];
  args.ahead[1] = ahead[1];
  variant_->run(args);
}

void MatmulPlan::run_rows(Team::Worker& worker, const MatmulOperands& x, std::byte* workspace) const {
  const int id = worker.id();
  if (id >= active_) return;
  const int64_t end = items() * (id + 1) / active_;
  for (int64_t item = items() * id / active_; item < end; ++item) {
    const int64_t batch = item / row_blocks_, block = item % row_blocks_;
    const Prepared a = prepared(workspace, id, batch, block);
    const int64_t groups = RowGroups(row_block(block).rows, variant_->mr).count;
    for (int64_t g = 0; g < groups; ++g) prepare_group(x, a, batch, block, g);
    Ahead ahead[2];
    if (!problem_.prepared && item + 1 < end) find_ahead(x, item, ahead);
    run_rectangle(x, a, workspace + scratch_at_ + id * scratch_each_, batch, block, 0, ceil_div(problem_.n, kPanel),
                  ahead);
  }
}

void MatmulPlan::prepare_rows(const MatmulOperands& x, std::byte* workspace, int id) const {
  int64_t turn = 0;  // groups of rows that nobody owns are dealt round robin over all blocks
  const int64_t each = items() / owners_;
  const int64_t begin = owners_ > 1 ? id * each : 0, end = begin + each;
  for (int64_t item = begin; item < end; ++item) {
    const int64_t batch = item / row_blocks_, block = item % row_blocks_;
    const int64_t groups = RowGroups(row_block(block).rows, variant_->mr).count;
    for (int64_t g = 0; g < groups; ++g, ++turn)
      if (owners_ > 1 || turn % active_ == id) prepare_group(x, prepared(workspace, id, batch, block), batch, block, g);
  }
}

// Claims of one owner's panels until none is left.
void MatmulPlan::run_claims(const MatmulOperands& x, std::byte* workspace, std::byte* scratch, int owner) const {
  const std::atomic_ref<int64_t> claimed(*claim_counter(workspace, owner));
  const int64_t panels = ceil_div(problem_.n, kPanel), first_item = owner * (items() / owners_);
  for (;;) {
    const int64_t claim = claimed.fetch_add(1, std::memory_order_relaxed);
    int64_t begin = claims_.begin(claim);
    const int64_t end = claims_.begin(claim + 1);
    if (begin >= claims_.panels) return;
    while (begin < end) {  // a run may reach into the next row block
      const int64_t item = first_item + begin / panels;
      const int64_t first = begin % panels, last = std::min(panels, first + end - begin);
      const int64_t batch = item / row_blocks_, block = item % row_blocks_;
      run_rectangle(x, prepared(workspace, 0, batch, block), scratch, batch, block, first, last, {});
      begin += last - first;
    }
  }
}

void MatmulPlan::run_panels(Team::Worker& worker, const MatmulOperands& x, std::byte* workspace) const {
  const int id = worker.id();
  if (id == 0)  // the barrier publishes it
    for (int owner = 0; owner < owners_; ++owner) *claim_counter(workspace, owner) = 0;
  if (id < active_) prepare_rows(x, workspace, id);
  worker.barrier();
  if (id >= active_) return;
  std::byte* scratch = workspace + scratch_at_ + id * scratch_each_;
  for (int i = 0; i < owners_; ++i) run_claims(x, workspace, scratch, (id + i) % owners_);
}

void MatmulPlan::run(Team::Worker& worker, const MatmulOperands& x, std::byte* workspace) const noexcept {
  if (split_ == Split::rows || active_ == 1) return run_rows(worker, x, workspace);
  run_panels(worker, x, workspace);
}

}  // namespace lathe::ops
