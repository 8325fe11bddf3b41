// One worker's share of a training step. The step is one entry of the team; what stands between two syncs does not
// depend on each other, and the time between them has the name of an op in the profile.
//
// It is no ops::Executor: a step runs on the team alone, so there is nobody to choose between, and its ops are the
// functions of a worker that stand beside this file, forwards and backwards next to each other.
#pragma once

#include "kernels/activation/activation_backward.h"
#include "kernels/attention/causal_attention.h"
#include "kernels/loss/loss.h"
#include "kernels/norm/norm.h"
#include "kernels/norm/norm_backward.h"
#include "kernels/optimizer/optimizer.h"
#include "kernels/rope/rope.h"
#include "ops/profile.h"
#include "platform/team.h"

namespace lathe::ops {

// The rows of the kernels' tables that a training step runs.
struct TrainKernels {
  const norm::Variant* norm;
  const norm::BackwardVariant* norm_back;
  const activation::Variant* activation;
  const activation::BackwardVariant* activation_back;
  const rope::Variant* rope;
  const attention::CausalVariant* attention;
  const loss::Variant* loss;
  const optimizer::Variant* optimizer;
  static TrainKernels best();
};

class TrainExecutor {
 public:
  // `profile` may be nullptr.
  TrainExecutor(Team::Worker& worker, Profile* profile)
      : worker_(worker), profile_(worker.id() == 0 ? profile : nullptr) {
    if (profile_ != nullptr) profile_->mark("entry");
  }

  bool first() const { return worker_.id() == 0; }

  // op(worker), by every worker.
  template <class Op>
  void run(const char* name, const Op& op) {
    op(worker_);
    if (profile_ != nullptr) profile_->mark(name);
  }
  // The same for an op of so many FLOPs.
  template <class Op>
  void run(const char* name, double flops, const Op& op) {
    if (profile_ != nullptr) profile_->count(name, flops);
    run(name, op);
  }
  // For an op that claims its work. There are as many counters as in the team: one is free again behind the sync that
  // follows it.
  int claim_counter() {
    const int counter = turn_;
    turn_ = (turn_ + 1) % Team::Worker::kCounters;
    used_[counter] = true;
    return counter;
  }
  void sync() {
    worker_.barrier();
    for (int i = 0; i < Team::Worker::kCounters; ++i) {
      if (used_[i] && worker_.id() == 0) worker_.reset_counter(i);
      used_[i] = false;
    }
    if (profile_ != nullptr) profile_->wait();
  }

 private:
  Team::Worker& worker_;
  Profile* profile_;
  int turn_ = 0;
  bool used_[Team::Worker::kCounters] = {};
};

}  // namespace lathe::ops
