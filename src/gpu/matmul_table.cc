// The rows. Geometries are listed once, for every type of weights that a shader reads.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/checked.h"
#include "gpu/matmul.h"

namespace lathe::gpu {
namespace {

constexpr FeatureSet kSubgroups =
    feature_bit(Feature::subgroup_arithmetic) | feature_bit(Feature::subgroup_size_control);
constexpr FeatureSet kBroadcast =
    feature_bit(Feature::subgroup_broadcast) | feature_bit(Feature::subgroup_size_control);
// 16 KiB of shared memory is what every device has.
constexpr int64_t kSharedEverywhere = 16384;

int64_t halves(const MatmulProblem& p) { return p.gated ? 2 : 1; }
int64_t no_shared(const MatmulVariant&, const MatmulProblem&, const DeviceInfo&) noexcept { return 0; }

// columns: constants are {columns, rows, units of a chunk}.
int64_t columns_shared(const MatmulVariant& v, const MatmulProblem&, const DeviceInfo&) noexcept {
  const auto& c = v.geometry.constants;
  const int64_t staged = int64_t{c[1]} * c[2] * k_of_unit(v.w) * 4;
  return staged + (v.geometry.threads > c[0] ? v.geometry.threads * 4 : 0);
}

void add_columns(std::vector<MatmulVariant>* rows, WeightType w, int64_t columns, int64_t threads, int64_t m_least,
                 int64_t m_most) {
  // A chunk of x takes half of what every device has, or 2 KiB for a row: longer ones gain nothing.
  const int64_t chunk_k = std::min<int64_t>(512, kSharedEverywhere / 2 / 4 / m_most);
  MatmulVariant v{};
  v.name =
      fmt::format("columns.{}.{}x{}{}", type_name(w), columns, threads, m_most > 1 ? fmt::format(".m{}", m_most) : "");
  v.shader = "columns", v.w = w, v.layout = WeightLayout::panels;
  v.m_least = m_least, v.m_most = m_most;
  v.geometry = {threads, 0, m_most, columns, 0, {}, 3};
  v.geometry.constants = {static_cast<uint32_t>(columns), static_cast<uint32_t>(m_most),
                          static_cast<uint32_t>(chunk_k / k_of_unit(w))};
  v.order.chains = std::max<int64_t>(1, threads / columns);
  v.what = m_most > 1 ? "few rows: a thread per column, weights read once" : "a thread per column, x in shared memory";
  v.shared_bytes = columns_shared;
  rows->push_back(v);
}

void add_subgroups(std::vector<MatmulVariant>* rows, WeightType w, int64_t columns, int64_t threads) {
  MatmulVariant v{};
  v.name = fmt::format("subgroups.{}.{}x{}", type_name(w), columns, threads);
  v.shader = "subgroups", v.w = w, v.layout = WeightLayout::rows;
  v.m_least = v.m_most = 1;
  v.geometry = {threads, 0, 1, 0, columns, {static_cast<uint32_t>(columns)}, 1};
  v.order = {AdditionPattern::subgroup, 0};
  v.needs = kSubgroups, v.subgroups = true;
  v.what = "a subgroup per column or several, lanes along k";
  v.shared_bytes = no_shared;
  rows->push_back(v);
}

void add_broadcast(std::vector<MatmulVariant>* rows, WeightType w, int64_t threads) {
  MatmulVariant v{};
  v.name = fmt::format("broadcast.{}.{}", type_name(w), threads);
  v.shader = "broadcast", v.w = w, v.layout = WeightLayout::panels;
  v.m_least = v.m_most = 1;
  v.geometry = {threads, 0, 1, threads, 0, {}, 0};
  v.needs = kBroadcast, v.subgroups = true;
  v.what = "a lane per column, x handed round the subgroup";
  v.shared_bytes = no_shared;
  rows->push_back(v);
}

// split_k: constants are {columns, subgroups of a workgroup of the smallest subgroups that a row is for}.
int64_t split_k_shared(const MatmulVariant& v, const MatmulProblem& p, const DeviceInfo&) noexcept {
  return int64_t{v.geometry.constants[0]} * v.geometry.constants[1] * halves(p) * 4;
}
std::string split_k_refuses(const MatmulVariant& v, const MatmulProblem& p, const DeviceInfo& device) {
  const int64_t subgroups = v.geometry.threads / device.subgroup_size;
  if (subgroups > v.geometry.constants[1])
    return fmt::format("{} subgroups of a workgroup, needed: {} at most", subgroups, v.geometry.constants[1]);
  if (p.k < v.geometry.threads)
    return fmt::format("K is {}, needed: one for each of {} threads", p.k, v.geometry.threads);
  return "";
}

void add_split_k(std::vector<MatmulVariant>* rows, WeightType w, int64_t columns, int64_t threads) {
  constexpr int64_t kSmallestSubgroup = 4;
  MatmulVariant v{};
  v.name = fmt::format("split_k.{}.{}x{}", type_name(w), columns, threads);
  v.shader = "split_k", v.w = w, v.layout = WeightLayout::rows;
  v.m_least = v.m_most = 1;
  v.geometry = {threads, 0, 1, columns, 0, {}, 2};
  v.geometry.constants = {static_cast<uint32_t>(columns), static_cast<uint32_t>(threads / kSmallestSubgroup)};
  v.order = {AdditionPattern::workgroup, threads};
  v.needs = kSubgroups, v.subgroups = true;
  v.what = "a workgroup for a few columns, all of it along k";
  v.shared_bytes = split_k_shared, v.refuses = split_k_refuses;
  rows->push_back(v);
}

// Beyond this a thread's walk along its column is longer than what a workgroup more costs.
constexpr int64_t kSmallWeights = int64_t{1} << 16;
std::string small_refuses(const MatmulVariant&, const MatmulProblem& p, const DeviceInfo&) {
  if (p.n * p.k * halves(p) <= kSmallWeights) return "";
  return fmt::format("{} weights, needed: {} at most", p.n * p.k * halves(p), kSmallWeights);
}

void add_small(std::vector<MatmulVariant>* rows, WeightType w, int64_t threads) {
  MatmulVariant v{};
  v.name = fmt::format("small.{}.{}", type_name(w), threads);
  v.shader = "small", v.w = w, v.layout = WeightLayout::panels;
  v.m_least = v.m_most = 1;
  v.geometry = {threads, 0, 1, threads, 0, {}, 0};
  v.what = "very small shapes: a thread per column and no barrier";
  v.shared_bytes = no_shared, v.refuses = small_refuses;
  rows->push_back(v);
}

// head: constants are {columns, vectors of four of x at most}.
int64_t head_shared(const MatmulVariant& v, const MatmulProblem&, const DeviceInfo&) noexcept {
  return int64_t{v.geometry.constants[1]} * 16;
}
std::string head_refuses(const MatmulVariant& v, const MatmulProblem& p, const DeviceInfo&) {
  constexpr int64_t kLeastColumns = 8192;
  const int64_t most_k = int64_t{v.geometry.constants[1]} * 4;
  if (p.n < kLeastColumns) return fmt::format("N is {}, needed: {} or more", p.n, kLeastColumns);
  if (round_up(p.k, 32) > most_k) return fmt::format("K is {}, needed: {} at most", p.k, most_k);
  return "";
}

void add_head(std::vector<MatmulVariant>* rows, WeightType w, int64_t columns, int64_t threads, int64_t most_k) {
  MatmulVariant v{};
  v.name = fmt::format("head.{}.{}x{}.k{}", type_name(w), columns, threads, most_k);
  v.shader = "head", v.w = w, v.layout = WeightLayout::rows;
  v.m_least = v.m_most = 1;
  v.geometry = {threads, 0, 1, columns, 0, {}, 2};
  v.geometry.constants = {static_cast<uint32_t>(columns), static_cast<uint32_t>(most_k / 4)};
  v.order = {AdditionPattern::subgroup, 0};
  v.needs = kSubgroups, v.subgroups = true;
  v.what = "vocabularies: x staged once for many columns";
  v.shared_bytes = head_shared, v.refuses = head_refuses;
  rows->push_back(v);
}

// tiled: constants are {rows of a tile, its columns, rows of a thread, its columns}.
int64_t tiled_shared(const MatmulVariant& v, const MatmulProblem& p, const DeviceInfo&) noexcept {
  constexpr int64_t kDeep = 32;
  return kDeep * 4 * (v.geometry.constants[0] + v.geometry.constants[1] * halves(p));
}

void add_tiled(std::vector<MatmulVariant>* rows, WeightType w, int64_t m, int64_t n, int64_t each_m, int64_t each_n) {
  MatmulVariant v{};
  v.name = fmt::format("tiled.{}.{}x{}", type_name(w), m, n);
  v.shader = "tiled", v.w = w, v.layout = WeightLayout::panels;
  v.m_least = 2, v.m_most = 0;
  v.geometry = {m / each_m * (n / each_n), 0, m, n, 0, {}, 4};
  v.geometry.constants = {static_cast<uint32_t>(m), static_cast<uint32_t>(n), static_cast<uint32_t>(each_m),
                          static_cast<uint32_t>(each_n)};
  v.order = {AdditionPattern::widened, 1};
  v.what = "many rows: tiles of both sides in shared memory";
  v.shared_bytes = tiled_shared;
  rows->push_back(v);
}

// cooperative: constants are {rows of a tile, its columns, rows of a subgroup, its columns, m, n, k of a matrix}.
struct MatrixTile {
  int64_t m, n, along_m, along_n;  // subgroups that the tile is divided among, either way
};
int64_t cooperative_shared(const MatmulVariant& v, const MatmulProblem& p, const DeviceInfo&) noexcept {
  constexpr int64_t kRowBytes = 80;  // 32 halves, and 8 between neighbours
  const auto& c = v.geometry.constants;
  return (c[0] + c[1] * halves(p)) * kRowBytes + v.geometry.subgroups * halves(p) * c[4] * c[5] * 4 + c[0] * 8 + 4;
}
std::string cooperative_refuses(const MatmulVariant& v, const MatmulProblem&, const DeviceInfo& device) {
  constexpr int64_t kVectors = 8;  // of a row of x, which threads stage
  const int64_t threads = threads_of_group(v, device);
  if (v.geometry.tile_m * kVectors % threads == 0) return "";
  return fmt::format("{} threads do not divide a tile of {} rows", threads, v.geometry.tile_m);
}

void add_cooperative(std::vector<MatmulVariant>* rows, WeightType w, const MatrixTile& tile, const MatrixSize& size) {
  MatmulVariant v{};
  v.name = fmt::format("cooperative.{}.{}x{}.{}x{}x{}", type_name(w), tile.m, tile.n, size.m, size.n, size.k);
  v.shader = "cooperative", v.w = w, v.layout = WeightLayout::panels;
  v.m_least = 2, v.m_most = 0;
  v.geometry = {0, tile.along_m * tile.along_n, tile.m, tile.n, 0, {}, 7};
  v.geometry.constants = {static_cast<uint32_t>(tile.m),
                          static_cast<uint32_t>(tile.n),
                          static_cast<uint32_t>(tile.m / tile.along_m),
                          static_cast<uint32_t>(tile.n / tile.along_n),
                          size.m,
                          size.n,
                          size.k};
  v.needs = feature_bit(Feature::cooperative_matrix) | feature_bit(Feature::subgroup_size_control);
  v.subgroups = v.rounds = true, v.matrix = size;
  v.order = {AdditionPattern::matrices, size.k};
  v.what = "many rows on matrix units: both sides rounded to f16, sums in f32";
  v.shared_bytes = cooperative_shared, v.refuses = cooperative_refuses;
  rows->push_back(v);
}

// Of f32 weights too much would be lost. The sizes are those that devices have: of NVIDIA and AMD, of Intel, and of
// Mesa's device in software, whose compiler takes minutes for larger tiles.
void add_cooperative_type(std::vector<MatmulVariant>* rows, WeightType w) {
  if (w == WeightType::f32) return;
  for (const MatrixSize& size : {MatrixSize{16, 16, 16}, {8, 16, 16}, {8, 8, 16}})
    for (const MatrixTile& tile : {MatrixTile{32, 64, 2, 2}, {64, 64, 2, 2}, {128, 128, 2, 4}})
      add_cooperative(rows, w, tile, size);
  for (const MatrixTile& tile : {MatrixTile{16, 16, 2, 1}, {32, 16, 2, 2}}) add_cooperative(rows, w, tile, {8, 8, 8});
}

void add_type(std::vector<MatmulVariant>* rows, WeightType w) {
  for (const int64_t columns : {64, 128, 256})
    for (const int64_t threads : {64, 128, 256}) add_columns(rows, w, columns, threads, 1, 1);
  for (const int64_t columns : {1, 2, 4})
    for (const int64_t threads : {64, 256}) add_subgroups(rows, w, columns, threads);
  for (const int64_t threads : {64, 256}) add_broadcast(rows, w, threads);
  for (const int64_t columns : {4, 8, 16})
    for (const int64_t threads : {256, 512}) add_split_k(rows, w, columns, threads);
  add_small(rows, w, 64);
  add_head(rows, w, 64, 256, 4096);
  add_head(rows, w, 64, 256, 8192);
  for (const int64_t threads : {64, 256})
    for (const int64_t m : {2, 4, 8, 16}) add_columns(rows, w, 64, threads, m / 2 + 1, m);
  add_tiled(rows, w, 32, 32, 4, 4);
  add_tiled(rows, w, 64, 64, 4, 4);
  add_cooperative_type(rows, w);
}

}  // namespace

std::span<const MatmulVariant> matmul_variants() {
  static const std::vector<MatmulVariant> rows = [] {
    std::vector<MatmulVariant> made;
    for (int w = 0; w < kWeightTypes; ++w) add_type(&made, static_cast<WeightType>(w));
    return made;
  }();
  return rows;
}

}  // namespace lathe::gpu
