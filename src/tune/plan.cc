#include "tune/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "tune/plan_file.h"
#include "tune/problem_text.h"

namespace lathe::tune {
namespace {

const matmul::Variant* find_in(Table table, std::string_view name) {
  for (const matmul::Variant* variant : table)
    if (name == variant->name) return variant;
  return nullptr;
}

// Whether `measured` has a figure of this row as it is now.
bool is_measured(const matmul::Variant& variant, const std::vector<PlanMeasurement>& measured) {
  const std::string row = row_fingerprint(variant);
  return std::any_of(measured.begin(), measured.end(),
                     [&](const PlanMeasurement& m) { return m.variant == variant.name && m.row == row; });
}

PlanFile content_of(const Plan& plan) {
  PlanFile file{plan.scope().cpu, table_fingerprint(plan.scope().table), {}, {}};
  for (const PlanEntry& e : plan.entries())
    file.entries.push_back({e.problem, e.threads, e.variant->name, e.ms, e.share, e.measured});
  return file;
}

}  // namespace

std::string row_fingerprint(const matmul::Variant& v) {
  return sha256_hex(fmt::format("{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}", v.name, v.numerics, static_cast<int>(v.isa),
                                matmul::type_name(v.a), matmul::type_name(v.w), static_cast<int>(v.layout),
                                static_cast<int>(v.a_form), v.mr, v.nr, v.kc, v.m_max))
      .substr(0, 16);
}

std::string table_fingerprint(Table table) {
  std::string rows;
  for (const matmul::Variant* variant : table) rows += row_fingerprint(*variant) + "\n";
  return sha256_hex(rows).substr(0, 16);
}

bool Plan::Key::operator==(const Key& other) const noexcept {
  return threads == other.threads && same_problem(problem, other.problem);
}

size_t Plan::KeyHash::operator()(const Key& key) const noexcept {
  const matmul::Problem& p = key.problem;
  const auto small = static_cast<uint64_t>(p.a) | static_cast<uint64_t>(p.w) << 4 | static_cast<uint64_t>(p.c) << 8 |
                     static_cast<uint64_t>(p.order) << 12 | static_cast<uint64_t>(p.act) << 16 |
                     uint64_t{p.a_transposed} << 20 | uint64_t{p.prepared} << 21 | uint64_t{p.gated} << 22 |
                     uint64_t{p.bias} << 23 | uint64_t{p.residual} << 24 | uint64_t{p.accumulate} << 25 |
                     uint64_t{p.col_scale} << 26 | static_cast<uint64_t>(key.threads) << 32;
  uint64_t h = small;
  for (const int64_t size : {p.m, p.n, p.k, p.batch}) {
    h = (h ^ static_cast<uint64_t>(size)) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
  }
  return h;
}

const PlanEntry* Plan::find(const matmul::Problem& problem, int threads) const noexcept {
  const auto it = index_.find(Key{problem, threads});
  return it == index_.end() ? nullptr : &entries_[it->second];
}

const matmul::Variant* Plan::lookup(const matmul::Problem& problem, int threads) const noexcept {
  const PlanEntry* entry = find(problem, threads);
  return entry ? entry->variant : nullptr;
}

Status Plan::add(PlanEntry entry) {
  if (!entry.variant || find_in(scope_.table, entry.variant->name) != entry.variant)
    return invalid_argument("a plan entry names a variant that is not in the table");
  if (const std::string why = matmul::refusal(*entry.variant, entry.problem, scope_.features); !why.empty())
    return invalid_argument(
        fmt::format("{} cannot take {}: {}", entry.variant->name, problem_text(entry.problem), why));
  if (!std::isfinite(entry.ms) || entry.ms <= 0)
    return invalid_argument(fmt::format("a plan entry's time is {} ms, needed: a positive one", entry.ms));
  const auto [it, inserted] = index_.try_emplace(Key{entry.problem, entry.threads}, entries_.size());
  if (inserted)
    entries_.push_back(std::move(entry));
  else
    entries_[it->second] = std::move(entry);
  return {};
}

std::string Plan::text() const { return format_plan(content_of(*this)); }

// What the file has of devices stays, also where what it has of the CPU is another one's.
Status Plan::save(const std::string& path) const {
  PlanFile file = content_of(*this);
  if (auto old = load_plan_file(path)) file.devices = std::move(old->devices);
  return write_file(path, format_plan(file));
}

Result<Plan> Plan::parse(std::string_view text, std::string_view file, PlanScope scope, Builds builds) {
  auto parsed = parse_plan(text, file);
  if (!parsed) return parsed.status();
  if (parsed->cpu != scope.cpu)
    return unsupported(
        fmt::format("{}: ignored: it was measured on another CPU ({}), needed: {}", file, parsed->cpu, scope.cpu));
  const std::string build = table_fingerprint(scope.table);
  const bool foreign = parsed->build != build;
  if (foreign && builds == Builds::this_one)
    return unsupported(fmt::format("{}: ignored: it was measured with another build's variants ({}), needed: {}", file,
                                   parsed->build, build));
  Plan plan(std::move(scope));
  for (PlanFile::Entry& e : parsed->entries) {
    const matmul::Variant* variant = find_in(plan.scope_.table, e.variant);
    if (foreign && (!variant || !is_measured(*variant, e.measured))) continue;
    if (!variant) return corrupt(fmt::format("{}: ignored: it names the unknown variant \"{}\"", file, e.variant));
    if (plan.find(e.problem, e.threads))
      return corrupt(fmt::format("{}: ignored: {} stands in it twice", file, problem_text(e.problem)));
    if (const Status s = plan.add({e.problem, e.threads, variant, e.ms, e.share, std::move(e.measured)}); !s.ok())
      return corrupt(fmt::format("{}: ignored: {}", file, s.message()));
  }
  return plan;
}

Result<Plan> Plan::load(const std::string& path, PlanScope scope, Builds builds) {
  const auto text = read_file(path, kMostPlanBytes);
  if (!text) return text.status();
  return parse(*text, path, std::move(scope), builds);
}

std::vector<const matmul::Variant*> Plan::unmeasured(const matmul::Problem& problem, int threads) const {
  const PlanEntry* entry = find(problem, threads);
  std::vector<const matmul::Variant*> rows;
  for (const matmul::Variant* variant : scope_.table)
    if ((!entry || !is_measured(*variant, entry->measured)) &&
        matmul::refusal(*variant, problem, scope_.features).empty())
      rows.push_back(variant);
  return rows;
}

}  // namespace lathe::tune
