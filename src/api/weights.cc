#include "api/weights.h"

#include <array>
#include <string>

#include "api/convert.h"
#include "api/engine.h"
#include "base/checked.h"

namespace lathe {
namespace {

std::string name_of(matmul::Type type) { return std::string(matmul::type_name(type)); }

Status check_type(matmul::Type type) {
  if (type == matmul::Type::u8 || type == matmul::Type::s32)
    return invalid_argument("weights are f32, bf16, f16, i8, s8 or blocks of them; found " + name_of(type));
  return {};
}

Status check_stored(matmul::Type from, matmul::Type stored) {
  if (Status status = check_type(stored); !status.ok()) return status;
  if (stored == matmul::Type::s8 && from != matmul::Type::s8)
    return invalid_argument("s8 weights are exact integers and can only be made from s8; found " + name_of(from));
  return {};
}

Result<matmul::Source> source_of(const WeightsView& view) {
  const auto type = api::type_of(view.type, "the weight's type");
  if (!type) return type.status();
  if (Status status = check_type(*type); !status.ok()) return status;
  const auto order = api::order_of(view.order, "the weight's order");
  if (!order) return order.status();
  if ((*type == matmul::Type::i8) != (view.scale != nullptr))
    return invalid_argument(*type == matmul::Type::i8
                                ? "an i8 weight needs a scale for each of its N columns; found none"
                                : "a " + name_of(*type) + " weight has no scale; found one");
  const bool nk = *order == matmul::Order::nk;
  const int64_t ld = view.ld != 0 ? view.ld : nk ? view.k : view.n;
  if (!checked_mul(nk ? view.n : view.k, ld, 4))
    return invalid_argument("a weight's row stride is " + std::to_string(ld) + "; no memory holds that");
  return matmul::Source{*type, *order, view.data, ld, view.scale};
}

}  // namespace

PreparedWeights::PreparedWeights(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PreparedWeights::PreparedWeights(PreparedWeights&&) noexcept = default;
PreparedWeights& PreparedWeights::operator=(PreparedWeights&&) noexcept = default;
PreparedWeights::~PreparedWeights() = default;

DataType PreparedWeights::type() const { return impl_->type; }
int64_t PreparedWeights::n() const { return impl_->weights.n(); }
int64_t PreparedWeights::k() const { return impl_->weights.k(); }
bool PreparedWeights::gated() const { return impl_->weights.gated(); }
int64_t PreparedWeights::bytes() const { return impl_->weights.bytes(); }

Result<PreparedWeights> PreparedWeights::pack(const Engine& engine, const WeightsView* views, int count,
                                              DataType stored) {
  const auto type = api::type_of(stored, "the type to store");
  if (!type) return type.status();
  std::array<matmul::Source, 2> sources;
  for (int i = 0; i < count; ++i) {
    const auto source = source_of(views[i]);
    if (!source) return source.status();
    if (Status status = check_stored(source->type, *type); !status.ok()) return status;
    sources[static_cast<size_t>(i)] = *source;
  }
  const std::lock_guard lock(engine.impl_->turn);
  auto weights = ops::Weights::prepare({sources.data(), static_cast<size_t>(count)}, views[0].n, views[0].k,
                                       matmul::prepared_layout(*type), engine.impl_->team.get());
  if (!weights) return weights.status();
  return PreparedWeights(std::make_unique<Impl>(Impl{std::move(*weights), stored}));
}

Result<PreparedWeights> PreparedWeights::prepare(const Engine& engine, const WeightsView& view) {
  return pack(engine, &view, 1, view.type);
}

Result<PreparedWeights> PreparedWeights::prepare(const Engine& engine, const WeightsView& view, DataType stored) {
  return pack(engine, &view, 1, stored);
}

Result<PreparedWeights> PreparedWeights::prepare_gated(const Engine& engine, const WeightsView& gate,
                                                       const WeightsView& up) {
  if (gate.n != up.n || gate.k != up.k)
    return invalid_argument("gate and up have one shape; found N " + std::to_string(gate.n) + ", K " +
                            std::to_string(gate.k) + " and N " + std::to_string(up.n) + ", K " + std::to_string(up.k));
  if (gate.type != up.type) return invalid_argument("gate and up have one type; found two");
  const WeightsView views[] = {gate, up};
  return pack(engine, views, 2, gate.type);
}

}  // namespace lathe
