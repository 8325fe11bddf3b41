// What a handle to an engine leads to.
#pragma once

#include <memory>
#include <mutex>

#include "base/memory.h"
#include "lathe/matmul.h"
#include "platform/team.h"
#include "tune/plan.h"

namespace lathe {

struct Engine::Impl {
  Impl(std::unique_ptr<Team> members, tune::Plan choices) : team(std::move(members)), plan(std::move(choices)) {}

  // The workspace grows to the largest that any product of this engine needs: products take turns, so one serves all.
  Status reserve(int64_t bytes);

  std::mutex turn;  // held by whoever runs a program of the team or replaces the workspace
  const std::unique_ptr<Team> team;
  const tune::Plan plan;
  Buffer workspace;
};

}  // namespace lathe
