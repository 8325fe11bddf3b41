#include "lathe/matmul.h"

#include <fmt/format.h>

#include "api/convert.h"
#include "api/engine.h"
#include "api/operands.h"
#include "api/weights.h"
#include "ops/matmul.h"
#include "platform/cpu.h"

namespace lathe {

struct Matmul::Impl {
  std::shared_ptr<Engine::Impl> engine;
  MatmulProblem problem;
  ops::MatmulPlan plan;
};

Matmul::Matmul(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Matmul::Matmul(Matmul&&) noexcept = default;
Matmul& Matmul::operator=(Matmul&&) noexcept = default;
Matmul::~Matmul() = default;

std::string_view Matmul::variant() const { return impl_->plan.variant().name; }
const MatmulProblem& Matmul::problem() const { return impl_->problem; }

Result<MatmulChoice> Matmul::choose(const Engine& engine, const MatmulProblem& problem) {
  const auto asked = api::problem_of(problem);
  if (!asked) return asked.status();
  const auto usual = ops::choose_variant(*asked, cpu_features());
  if (!usual) return usual.status();
  if (const tune::PlanEntry* entry = engine.impl_->plan.find(*asked, engine.threads()))
    return MatmulChoice{entry->variant->name,
                        fmt::format("the plan has it: {:.4f} ms, {:.0f}% of its ceiling, fastest of {} measured",
                                    entry->ms, 100 * entry->share, entry->measured.size())};
  return MatmulChoice{(*usual)->name,
                      fmt::format("no plan has this product: the default takes the first instruction set that can "
                                  "({}), and within it the row preferred for M = {}",
                                  isa_name((*usual)->isa), problem.m)};
}

Result<std::vector<MatmulVariant>> Matmul::variants(const MatmulProblem& problem) {
  const auto asked = api::problem_of(problem);
  if (!asked) return asked.status();
  std::vector<MatmulVariant> rows;
  for (const matmul::Variant* v : matmul::variants())
    rows.push_back({v->name, v->numerics, isa_name(v->isa), v->what, matmul::refusal(*v, *asked, cpu_features())});
  return rows;
}

Result<Matmul> Matmul::create(const Engine& engine, const MatmulProblem& problem, std::string_view variant) {
  const auto asked = api::problem_of(problem);
  if (!asked) return asked.status();
  const matmul::Variant* row = engine.impl_->plan.lookup(*asked, engine.threads());
  if (!variant.empty()) {
    row = matmul::find_variant(variant);
    if (row == nullptr) return not_found(fmt::format("no matmul variant of this build is called {}", variant));
  }
  auto plan = ops::MatmulPlan::create(*asked, row, engine.threads());
  if (!plan) return plan.status();
  if (Status status = engine.impl_->reserve(plan->workspace_bytes()); !status.ok()) return status;
  return Matmul(std::make_unique<Impl>(Impl{engine.impl_, problem, std::move(*plan)}));
}

Status Matmul::run(const MatmulOperands& operands) const {
  api::BoundWeights bound;
  if (operands.weights != nullptr && operands.weights->impl_ != nullptr)
    bound = {&operands.weights->impl_->weights, operands.weights->impl_->type};
  const ops::MatmulPlan& plan = impl_->plan;
  const auto checked = api::checked_operands(plan.problem(), plan.variant(), operands, bound);
  if (!checked) return checked.status();
  Engine::Impl& engine = *impl_->engine;
  const std::lock_guard lock(engine.turn);
  std::byte* workspace = engine.workspace.data();
  engine.team->run([&](Team::Worker& worker) { plan.run(worker, *checked, workspace); }, plan.active_workers());
  return {};
}

}  // namespace lathe
