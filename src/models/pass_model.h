// What encoders and decoders share: the team that runs a pass, its memory, which grows with the count of tokens, and
// the plans of its products.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/memory.h"
#include "ops/team_executor.h"
#include "platform/team.h"

namespace lathe::models {

class PassModel {
 public:
  virtual ~PassModel() = default;
  PassModel(const PassModel&) = delete;
  PassModel& operator=(const PassModel&) = delete;

  // Memory for passes of up to `tokens`. A pass grows it where it must, and never shrinks it.
  Status reserve(int64_t tokens);
  // Gives back what is there beyond the memory for `tokens`.
  Status shrink(int64_t tokens);
  // The memory that passes of up to `tokens` work in. It stays where it is as long as no pass has more.
  Result<std::vector<std::span<const std::byte>>> pass_memory(int64_t tokens);

  // For measurements; `profile` may be nullptr and must outlive the passes.
  void set_dispatch(ops::Dispatch dispatch) { dispatch_ = dispatch; }
  void set_profile(ops::Profile* profile) { profile_ = profile; }

 protected:
  struct Need {
    Buffer& buffer;
    int64_t bytes;
  };

  explicit PassModel(Team& team) : team_(team), kernels_(ops::CpuKernels::best()) {}

  virtual std::vector<Need> needs(int64_t tokens) = 0;
  // Forgets the plans of passes with more tokens, and says what workspace those that stay need.
  virtual int64_t shrink_plans(int64_t tokens) = 0;

  Status reserve_products(int64_t bytes);  // of workspace
  std::byte* products() { return products_.data(); }
  int workers() const { return team_.size(); }

  // step(executor, i) for 0 <= i < steps, each ending with a sync. Must not allocate.
  template <class Step>
  void run_steps(int64_t steps, const Step& step) {
    ops::run_steps(team_, dispatch_, kernels_, profile_, steps, step);
  }

 private:
  Team& team_;
  ops::CpuKernels kernels_;
  ops::Dispatch dispatch_ = ops::Dispatch::model;
  ops::Profile* profile_ = nullptr;
  int64_t capacity_ = 0;  // tokens
  Buffer products_;
};

// Plans by count of rows. Plans::workspace_bytes() is the most that one of them needs.
template <class Plans>
class PlanCache {
 public:
  // Those of `rows`, from make(rows) where they were not asked for yet.
  template <class Make>
  Result<const Plans*> at(int64_t rows, const Make& make) {
    const auto index = static_cast<size_t>(rows);
    if (plans_.size() <= index) plans_.resize(index + 1);
    if (plans_[index] == nullptr) {
      auto made = make(rows);
      if (!made) return made.status();
      plans_[index] = std::make_unique<const Plans>(std::move(*made));
    }
    return plans_[index].get();
  }

  // Forgets those of more rows, and says what workspace those that stay need.
  int64_t shrink(int64_t rows) {
    if (plans_.size() > static_cast<size_t>(rows) + 1) plans_.resize(static_cast<size_t>(rows) + 1);
    int64_t bytes = 0;
    for (const auto& plans : plans_)
      if (plans != nullptr) bytes = std::max(bytes, plans->workspace_bytes());
    return bytes;
  }

 private:
  std::vector<std::unique_ptr<const Plans>> plans_;
};

}  // namespace lathe::models
