#include "api/engine.h"

#include <string>

#include "platform/machine.h"

namespace lathe {
namespace {

Result<tune::Plan> load_plan(const std::string& path) {
  tune::PlanScope scope{this_machine().signature, cpu_features(), matmul::variants()};
  if (path.empty()) return tune::Plan(std::move(scope));
  return tune::Plan::load(path, std::move(scope));
}

}  // namespace

Status Engine::Impl::reserve(int64_t bytes) {
  const std::lock_guard lock(turn);
  if (static_cast<int64_t>(workspace.size()) >= bytes) return {};
  auto larger = Buffer::create(bytes);
  if (!larger) return larger.status();
  workspace = std::move(*larger);
  return {};
}

Result<Engine> Engine::create(const EngineOptions& options) {
  auto plan = load_plan(options.plan);
  if (!plan) return plan.status();
  auto team = Team::create({.threads = options.threads});
  if (!team) return team.status();
  return Engine(std::make_shared<Impl>(std::move(*team), std::move(*plan)));
}

int Engine::threads() const { return impl_->team->size(); }

}  // namespace lathe
