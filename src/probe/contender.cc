#include "probe/contender.h"

#include <algorithm>
#include <vector>

namespace lathe::probe {

using matmul::Order;
using matmul::Problem;
using matmul::Type;

Result<Contender> our_contender(const matmul::Variant& variant, Operands& operands, Team& team) {
  auto plan = ops::MatmulPlan::create(operands.problem, &variant, team.size());
  if (!plan) return plan.status();
  auto workspace = Buffer::create(plan->workspace_bytes());
  if (!workspace) return workspace.status();
  struct State {
    ops::MatmulPlan plan;
    Buffer workspace;
  };
  auto state = std::make_shared<State>(State{std::move(*plan), std::move(*workspace)});
  Contender contender;
  contender.numerics_name = variant.numerics;
  contender.numerics = numerics_of(variant.numerics);
  contender.run = [state, &operands, &team](int64_t i) {
    const ops::MatmulOperands x = operands.call(i);
    team.run([&](Team::Worker& worker) { state->plan.run(worker, x, state->workspace.data()); });
  };
  return contender;
}

namespace {

// What a library is asked for. A batch that shares its weights is one product of more rows.
tune::ProductShape library_shape(const Operands& x) {
  const Problem& p = x.problem;
  const bool one = p.prepared && !p.a_transposed;
  return {one ? 1 : p.batch, one ? p.m * p.batch : p.m, x.w->key().columns(), p.k, p.a_transposed, p.order == Order::nk,
          p.prepared};
}

}  // namespace

std::string provider_refusal(const tune::Provider& provider, const Problem& p) {
  if (p.a != Type::f32 || p.w != Type::f32 || p.c != Type::f32) return "takes f32 only";
  const int64_t rows = p.prepared ? p.m * p.batch : p.m, columns = p.gated ? 2 * p.n : p.n;
  if (std::max({rows, columns, p.k}) > provider.largest_size())
    return "takes sizes up to " + std::to_string(provider.largest_size());
  return "";
}

Result<Contender> sgemm_contender(const tune::Provider& provider, Operands& operands) {
  const tune::ProductShape s = library_shape(operands);
  Contender contender;
  contender.plain = true;
  contender.numerics_name = provider.name();
  contender.run = [s, &provider, &operands](int64_t i) {
    const float* a = reinterpret_cast<const float*>(operands.a_copy(i));
    const float* w = operands.w->plain(i);
    const int64_t w_step = operands.problem.prepared ? 0 : s.n * s.k;
    for (int64_t batch = 0; batch < s.batch; ++batch)
      provider.sgemm({s.a_transposed, s.b_transposed, s.m, s.n, s.k, 1.0f, a + batch * s.m * s.k,
                      s.a_transposed ? s.m : s.k, w + batch * w_step, s.b_transposed ? s.k : s.n, 0.0f,
                      operands.plain.as<float>() + batch * s.m * s.n, s.n});
  };
  return contender;
}

Result<Contender> prepared_contender(const tune::Provider& provider, Operands& operands) {
  const tune::ProductShape s = library_shape(operands);
  if (operands.problem.prepared && s.batch > 1)
    return unsupported("packs one weight for each product of a batch, and this batch shares one");
  auto made = provider.prepare(s);
  if (!made) return made.status();
  std::shared_ptr<tune::PreparedProduct> product = std::move(*made);
  const int64_t copies = operands.w->key().copies;
  for (int64_t i = 0; i < copies; ++i)
    if (auto added = product->add_weights(operands.w->plain(i)); !added) return added.status();
  Contender contender;
  contender.plain = true;
  contender.numerics_name = provider.name();
  contender.run = [product, copies, &operands](int64_t i) {
    product->run(reinterpret_cast<const float*>(operands.a_copy(i)), i % copies, operands.plain.as<float>());
  };
  return contender;
}

}  // namespace lathe::probe
