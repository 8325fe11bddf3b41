// The plan: which variant was fastest for a problem on this CPU, measured once by `lathe probe` and kept in a file.
//
// A plan is valid for one CPU signature and one table of variants; a file of another is not used, nor is one whose
// checksum, version or content is wrong. Only rows that passed verification may enter.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kernels/matmul/matmul.h"
#include "lathe/status.h"
#include "platform/cpu.h"

namespace lathe::tune {

using Table = std::span<const matmul::Variant* const>;

// SHA-256 over name, types, layout and tile of every row: changes whenever a row is added, removed or reshaped.
std::string table_fingerprint(Table table);
// The same over one row.
std::string row_fingerprint(const matmul::Variant& variant);

// What a plan was measured on, and so what it is valid for.
struct PlanScope {
  std::string cpu;      // the machine's signature
  FeatureSet features;  // what the CPU can execute: a plan may name nothing else
  Table table;          // the variants of this build
};

// A variant that was measured for a problem. It is remembered with its row's fingerprint, so that a later probe can
// measure only the rows that are new or changed, beside the winner of before.
struct PlanMeasurement {
  std::string variant, row;
  double ms = 0, share = 0;
};

struct PlanEntry {
  matmul::Problem problem;
  int threads = 1;
  const matmul::Variant* variant = nullptr;
  double ms = 0, share = 0;  // of `variant`: median, and share of the ceiling that binds
  std::vector<PlanMeasurement> measured;
};

enum class Builds {
  this_one,  // what dispatch may use
  any,       // another build's too, as far as its choices still are rows of this table, unchanged: to be completed by
             // measuring the rows that are new
};

class Plan {
 public:
  explicit Plan(PlanScope scope) : scope_(std::move(scope)) {}

  // The variant of (problem, threads), or nullptr: dispatch then follows its regimes. O(1), allocates nothing.
  const matmul::Variant* lookup(const matmul::Problem& problem, int threads) const noexcept;
  const PlanEntry* find(const matmul::Problem& problem, int threads) const noexcept;

  // Replaces the entry of the same key. An error where the variant is not of this table or cannot take the problem.
  Status add(PlanEntry entry);
  std::span<const PlanEntry> entries() const { return entries_; }
  const PlanScope& scope() const { return scope_; }

  // The rows that take the problem and of which the plan has no figure, or one from before they changed.
  std::vector<const matmul::Variant*> unmeasured(const matmul::Problem& problem, int threads) const;

  // The file's text: one JSON document that carries the SHA-256 of its content.
  std::string text() const;
  Status save(const std::string& path) const;

  // The error is one sentence that says why the file is not used; not_found where there is none.
  static Result<Plan> parse(std::string_view text, std::string_view file, PlanScope scope,
                            Builds builds = Builds::this_one);
  static Result<Plan> load(const std::string& path, PlanScope scope, Builds builds = Builds::this_one);

 private:
  struct Key {
    matmul::Problem problem;
    int threads;
    bool operator==(const Key& other) const noexcept;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const noexcept;
  };

  PlanScope scope_;
  std::vector<PlanEntry> entries_;
  std::unordered_map<Key, size_t, KeyHash> index_;
};

}  // namespace lathe::tune
