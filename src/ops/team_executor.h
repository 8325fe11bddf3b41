// Executors of the CPU. One program, three granularities of the team's entry; the bits are the same.
#pragma once

#include <atomic>
#include <cstdint>

#include "kernels/activation/activation.h"
#include "kernels/attention/attention.h"
#include "kernels/norm/norm.h"
#include "kernels/paged_attention/paged_attention.h"
#include "kernels/rope/rope.h"
#include "ops/executor.h"
#include "ops/profile.h"
#include "platform/team.h"

namespace lathe::ops {

// How often the team enters: once for a pass, once for each step of it (a layer), once for each op. `model` is what a
// user gets; the others exist to measure what it saves.
enum class Dispatch : uint8_t { model, layer, op };

// The rows of the kernels' tables that ops without a plan run.
struct CpuKernels {
  const norm::Variant* norm;
  const attention::Variant* attention;
  const paged_attention::Variant* paged_attention;
  const rope::Variant* rope;
  const activation::Variant* activation;
  static CpuKernels best();
};

// The ops as functions of a worker; Derived::run(name, op) gets them executed by all workers.
template <class Derived>
class CpuExecutor : public Executor {
 public:
  CpuExecutor(const CpuKernels& kernels, Profile* profile) : kernels_(kernels), profile_(profile) {}

  void embed(const TextBatch& batch, const EmbedOperands& x) final {
    self().run("embed", [&](Team::Worker& w) { ops::embed(w, *kernels_.norm, batch, x); });
  }
  void embed_scaled(const TextBatch& batch, const EmbeddingTable& words, float scale, float* y) final {
    self().run("embed", [&](Team::Worker& w) { ops::embed_scaled(w, batch, words, scale, y); });
  }
  void embed_at_positions(const CachedBatch& batch, const EmbeddingTable& words, const EmbeddingTable& positions,
                          float* scratch, float* y) final {
    self().run("embed", [&](Team::Worker& w) { ops::embed_at_positions(w, batch, words, positions, scratch, y); });
  }
  void matmul(const char* name, const MatmulPlan& plan, const MatmulOperands& x, std::byte* workspace) final {
    if (profile_ != nullptr) profile_->count(name, cost(plan.problem()).flops);
    self().run(name, [&](Team::Worker& w) { plan.run(w, x, workspace); });
  }
  void layer_norm(const norm::Args& args) final {
    self().run("norm", [&](Team::Worker& w) { ops::layer_norm(w, *kernels_.norm, args); });
  }
  void rms_norm(const norm::Args& args) final {
    self().run("norm", [&](Team::Worker& w) { ops::rms_norm(w, *kernels_.norm, args); });
  }
  void residual_norms(const ResidualNorms& x) final {
    self().run("norm", [&](Team::Worker& w) { ops::residual_norms(w, *kernels_.norm, x); });
  }
  void rotate(const TextBatch& batch, const RotateOperands& x) final {
    self().run("rotate", [&](Team::Worker& w) { norm_and_rotate(w, *kernels_.norm, *kernels_.rope, batch, x); });
  }
  void activate(activation::Function function, const activation::ApplyArgs& args) final {
    self().run("activation", [&](Team::Worker& w) { ops::activate(w, *kernels_.activation, function, args); });
  }
  void gate(activation::Function function, const activation::GatedArgs& args) final {
    self().run("activation", [&](Team::Worker& w) { ops::gate(w, *kernels_.activation, function, args); });
  }
  void attention(const TextBatch& batch, const AttentionOperands& x) final {
    if (profile_ != nullptr) profile_->count("attention", attention_flops(batch, x));
    const int counter = self().claim_counter();
    self().run("attention", [&](Team::Worker& w) { attend(w, *kernels_.attention, batch, x, counter); });
  }
  void rotate_and_cache(const CachedBatch& batch, const CacheOperands& x) final {
    self().run("rotate", [&](Team::Worker& w) {
      ops::rotate_and_cache(w, *kernels_.norm, *kernels_.rope, *kernels_.paged_attention, batch, x);
    });
  }
  void attention(const CachedBatch& batch, const PagedAttentionOperands& x) final {
    if (profile_ != nullptr) profile_->count("attention", attention_flops(batch, x));
    const int counter = self().claim_counter();
    self().run("attention", [&](Team::Worker& w) { attend(w, *kernels_.paged_attention, batch, x, counter); });
  }
  void gather_norm(const GatherNorm& x) final {
    self().run("norm", [&](Team::Worker& w) { ops::gather_norm(w, *kernels_.norm, x); });
  }
  void poll(const std::atomic<bool>& asked, bool& seen) final {
    self().run("poll", [&](Team::Worker& w) {
      if (w.id() == 0) seen = asked.load(std::memory_order_relaxed);
    });
  }
  void pool(const TextBatch& batch, const PoolOperands& x) final {
    self().run("pool", [&](Team::Worker& w) { ops::pool(w, batch, x); });
  }
  void normalize_rows(float* y, int64_t rows, int64_t row, int64_t keep) final {
    self().run("normalize", [&](Team::Worker& w) { ops::normalize_rows(w, y, rows, row, keep); });
  }

 protected:
  Derived& self() { return static_cast<Derived&>(*this); }
  const CpuKernels& kernels_;
  Profile* profile_;  // nullptr: nothing is measured
};

// Lives inside a program, one for each worker: an op is the worker's share, a sync is a barrier.
class TeamExecutor final : public CpuExecutor<TeamExecutor> {
 public:
  TeamExecutor(Team::Worker& worker, const CpuKernels& kernels, Profile* profile)
      : CpuExecutor(kernels, worker.id() == 0 ? profile : nullptr), worker_(worker) {
    if (profile_ != nullptr) profile_->mark("entry");
  }

  template <class Op>
  void run(const char* name, const Op& op) {
    op(worker_);
    if (profile_ != nullptr) profile_->mark(name);
  }
  // Ops that claim their work, at most two between two syncs, take turns on four counters. A counter is set back behind
  // the sync of its op, and taken again behind a later one: three other ops come first.
  int claim_counter() {
    const int counter = turn_;
    turn_ = (turn_ + 1) % Team::Worker::kCounters;
    used_[counter] = true;
    return counter;
  }
  void sync() final {
    worker_.barrier();
    for (int i = 0; i < Team::Worker::kCounters; ++i) {
      if (used_[i] && worker_.id() == 0) worker_.reset_counter(i);
      used_[i] = false;
    }
    if (profile_ != nullptr) profile_->wait();
  }

 private:
  Team::Worker& worker_;
  int turn_ = 0;
  bool used_[Team::Worker::kCounters] = {};
};

// Lives outside: the team enters for each op, and leaving it is the sync.
class ForkExecutor final : public CpuExecutor<ForkExecutor> {
 public:
  ForkExecutor(Team& team, const CpuKernels& kernels, Profile* profile) : CpuExecutor(kernels, profile), team_(team) {}

  template <class Op>
  void run(const char* name, const Op& op) {
    team_.run(op);
    if (profile_ != nullptr) profile_->mark(name);
  }
  int claim_counter() const { return 0; }  // counters start at 0 with every entry
  void sync() final {}

 private:
  Team& team_;
};

// Executes step(executor, i) for 0 <= i < steps, in order. A step ends with a sync.
template <class Step>
void run_steps(Team& team, Dispatch dispatch, const CpuKernels& kernels, Profile* profile, int64_t steps,
               const Step& step) {
  if (profile != nullptr) profile->begin();
  if (dispatch == Dispatch::op) {
    ForkExecutor executor(team, kernels, profile);
    for (int64_t i = 0; i < steps; ++i) step(executor, i);
  } else {
    const int64_t at_once = dispatch == Dispatch::model ? steps : 1;
    for (int64_t first = 0; first < steps; first += at_once)
      team.run([&](Team::Worker& worker) {
        TeamExecutor executor(worker, kernels, profile);
        for (int64_t i = first; i < first + at_once; ++i) step(executor, i);
      });
  }
  if (profile != nullptr) profile->end();
}

}  // namespace lathe::ops
