#include "probe/operands.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "kernels/matmul/layout.h"
#include "probe/elements.h"
#include "probe/random.h"
#include "quant/blocks.h"
#include "quant/k_quants.h"

namespace lathe::probe {

using matmul::Order;
using matmul::Problem;
using matmul::Type;

namespace {

constexpr int kPoison = 0xff;         // every float type: NaN
constexpr int kIntegerPoison = 0x81;  // -2,122,219,135, which no sum of small integers reaches

// Each operand has a sequence of its own.
enum class Stream : uint64_t { weights = 1, scale, a, bias, col_scale, residual, c_old };
uint64_t seed_of(uint64_t seed, Stream stream) { return seed * 16 + static_cast<uint64_t>(stream); }

// `count` items in contiguous shares.
template <class Body>
void divide(Team& team, int64_t count, const Body& body) {
  team.run([&](Team::Worker& worker) {
    const int64_t end = count * (worker.id() + 1) / worker.count();
    for (int64_t i = count * worker.id() / worker.count(); i < end; ++i) body(i);
  });
}

Result<Buffer> random_floats(int64_t count, uint64_t seed, Team& team) {
  auto buffer = Buffer::create(count * 4);
  if (buffer) fill_uniform(team, seed, count, buffer->as<float>());
  return buffer;
}

// Rows of K in blocks of 32 that are encoded and decoded again, so that `values` becomes exactly what is stored.
template <class Block>
Result<Buffer> quantise_rows(int64_t rows, int64_t k, float* values, Team& team) {
  const int64_t blocks = ceil_div(k, Block::kSize);
  auto buffer = Buffer::create(rows * blocks * static_cast<int64_t>(sizeof(Block)));
  if (!buffer) return buffer;
  divide(team, rows, [&](int64_t row) {
    for (int64_t b = 0; b < blocks; ++b) {
      float* x = values + row * k + b * Block::kSize;
      const int count = static_cast<int>(std::min<int64_t>(Block::kSize, k - b * Block::kSize));
      Block block;
      float decoded[Block::kSize];
      encode(x, count, &block);
      decode(block, decoded);
      std::memcpy(buffer->data() + (row * blocks + b) * static_cast<int64_t>(sizeof block), &block, sizeof block);
      std::copy_n(decoded, count, x);
    }
  });
  return buffer;
}

Result<Buffer> quantise_rows(Type type, int64_t rows, int64_t k, float* values, Team& team) {
  switch (type) {
    case Type::q4_0:
      return quantise_rows<BlockQ4_0>(rows, k, values, team);
    case Type::q4_1:
      return quantise_rows<BlockQ4_1>(rows, k, values, team);
    case Type::q4_k:
      return quantise_rows<BlockQ4_K>(rows, k, values, team);
    case Type::q5_k:
      return quantise_rows<BlockQ5_K>(rows, k, values, team);
    case Type::q6_k:
      return quantise_rows<BlockQ6_K>(rows, k, values, team);
    default:
      return quantise_rows<BlockQ8_0>(rows, k, values, team);
  }
}

// As quantise_rows, element by element.
Result<Buffer> convert(int64_t count, Type type, float* values, Team& team) {
  auto buffer = Buffer::create(count * element_bytes(type));
  if (!buffer) return buffer;
  divide(team, count, [&](int64_t i) {
    store_random(type, values[i], buffer->data(), i);
    values[i] = static_cast<float>(load_element(type, buffer->data(), i));
  });
  return buffer;
}

}  // namespace

Result<std::shared_ptr<const WeightOperands>> WeightOperands::create(const WeightKey& key, Team& team) {
  auto weights = std::make_shared<WeightOperands>();
  weights->key_ = key;
  if (Status status = weights->fill(team); !status.ok()) return status;
  if (key.packed)
    if (Status status = weights->pack(team); !status.ok()) return status;
  return std::shared_ptr<const WeightOperands>(std::move(weights));
}

Status WeightOperands::fill(Team& team) {
  const int64_t elements = key_.elements();
  auto values = random_floats(key_.type == Type::f32 ? elements * key_.copies : elements,
                              seed_of(key_.seed, Stream::weights), team);
  if (!values) return values.status();
  if (key_.type == Type::f32) {  // copies of equal content: a copy must give equal bits
    source_ = std::move(*values);
    float* first = source_.as<float>();
    divide(team, key_.copies - 1, [&](int64_t i) { std::copy_n(first, elements, first + (i + 1) * elements); });
    return {};
  }
  widened_ = std::move(*values);
  auto source = matmul::k_unit(key_.type) > 1
                    ? quantise_rows(key_.type, key_.columns(), key_.k, widened_.as<float>(), team)
                    : convert(elements, key_.type, widened_.as<float>(), team);
  if (!source) return source.status();
  source_ = std::move(*source);
  if (key_.type == Type::i8)
    for (int64_t j = 0; j < key_.columns(); ++j)
      scale_.push_back((1.5f + random_float(seed_of(key_.seed, Stream::scale), j)) / 127.0f);
  return {};
}

Status WeightOperands::pack(Team& team) {
  const int64_t row_bytes = matmul::source_row_bytes(key_.type, key_.k);
  matmul::Source gate;
  gate.type = key_.type;
  gate.order = key_.order;
  gate.data = source_.data();
  gate.ld = key_.order == Order::nk ? key_.k : key_.columns();
  gate.scale = scale();
  matmul::Source up = gate;
  up.data = source_.data() + key_.n * (key_.order == Order::nk ? row_bytes : element_bytes(key_.type));
  if (up.scale != nullptr) up.scale += key_.n;
  const matmul::Source sources[] = {gate, up};
  const std::span<const matmul::Source> used(sources, key_.gated ? 2 : 1);
  // Small weights are packed sooner than a team is called together, and there are up to a thousand of them.
  constexpr int64_t kWorthATeam = int64_t{1} << 18;
  Team* const packers = key_.elements() >= kWorthATeam ? &team : nullptr;
  for (int64_t copy = 0; copy < key_.copies; ++copy) {
    auto packed = ops::Weights::prepare(used, key_.n, key_.k, matmul::prepared_layout(key_.type), packers);
    if (!packed) return packed.status();
    packed_.push_back(std::move(*packed));
  }
  return {};
}

Result<Operands> Operands::create(const Problem& problem, std::shared_ptr<const WeightOperands> w, int64_t a_copies,
                                  bool plain_c, uint64_t seed, Team& team) {
  Operands x;
  x.problem = problem;
  x.w = std::move(w);
  x.a_copies = a_copies;
  auto a = random_floats(x.a_elements(), seed_of(seed, Stream::a), team);
  if (!a) return a.status();
  x.a_values = std::move(*a);
  const int64_t a_bytes = x.a_elements() * element_bytes(problem.a);
  auto all = Buffer::create(a_bytes * a_copies);
  if (!all) return all.status();
  x.a = std::move(*all);
  divide(team, x.a_elements(), [&](int64_t i) {
    float* value = x.a_values.as<float>() + i;
    store_random(problem.a, *value, x.a.data(), i);
    *value = static_cast<float>(load_element(problem.a, x.a.data(), i));
  });
  for (int64_t copy = 1; copy < a_copies; ++copy)
    std::memcpy(x.a.data() + copy * a_bytes, x.a.data(), static_cast<size_t>(a_bytes));

  Status status;
  const auto floats = [&](bool wanted, int64_t count, Stream stream, Buffer* out) {
    if (!wanted || !status.ok()) return;
    auto buffer = random_floats(count, seed_of(seed, stream), team);
    status = buffer.status();
    if (buffer) *out = std::move(*buffer);
  };
  floats(problem.bias, problem.gated ? 2 * problem.n : problem.n, Stream::bias, &x.bias);
  floats(problem.col_scale, problem.n, Stream::col_scale, &x.col_scale);
  floats(problem.residual, x.c_elements(), Stream::residual, &x.residual);
  floats(problem.accumulate, x.c_elements(), Stream::c_old, &x.c_old);
  if (!status.ok()) return status;
  if (problem.accumulate && problem.c != Type::f32) {
    auto old = convert(x.c_elements(), problem.c, x.c_old.as<float>(), team);
    if (!old) return old.status();
  }

  auto c = Buffer::create(x.c_elements() * element_bytes(problem.c) + kGuard);
  if (!c) return c.status();
  x.c = std::move(*c);
  if (plain_c) {
    auto plain = Buffer::create(x.c_elements() * (problem.gated ? 2 : 1) * 4);
    if (!plain) return plain.status();
    x.plain = std::move(*plain);
  }
  return x;
}

const std::byte* Operands::a_copy(int64_t i) const {
  return a.data() + i % a_copies * a_elements() * element_bytes(problem.a);
}

matmul::Epilogue Operands::epilogue() const {
  matmul::Epilogue e;
  e.beta = problem.accumulate ? 1.0f : 0.0f;
  e.bias = problem.bias ? bias.as<float>() : nullptr;
  e.col_scale = problem.col_scale ? col_scale.as<float>() : nullptr;
  e.act = problem.act;
  e.gated = problem.gated;
  e.residual = problem.residual ? residual.as<float>() : nullptr;
  e.residual_ld = problem.n;
  return e;
}

ops::MatmulOperands Operands::call(int64_t i) {
  const WeightKey& key = w->key();
  ops::MatmulOperands x;
  x.a = a_copy(i);
  x.lda = problem.a_transposed ? problem.m : problem.k;
  x.a_batch = problem.m * problem.k;
  if (problem.prepared) {
    x.weights = w->packed(i);
  } else {
    x.w = w->plain(i);
    x.ldw = problem.order == Order::nk ? problem.k : key.columns();
    x.w_batch = key.columns() * problem.k;
  }
  x.c = c.data();
  x.ldc = problem.n;
  x.c_batch = problem.m * problem.n;
  x.epilogue = epilogue();
  return x;
}

void Operands::poison() {
  std::memset(c.data(), problem.c == Type::s32 ? kIntegerPoison : kPoison, c.size());
  if (plain.size() != 0) std::memset(plain.data(), kPoison, plain.size());
  if (!problem.accumulate) return;
  for (int64_t i = 0; i < c_elements(); ++i) store_random(problem.c, c_old.as<float>()[i], c.data(), i);
}

bool Operands::guard_intact() const {
  const auto expected = static_cast<std::byte>(problem.c == Type::s32 ? kIntegerPoison : kPoison);
  return std::all_of(c.data() + c.size() - kGuard, c.data() + c.size(), [&](std::byte b) { return b == expected; });
}

}  // namespace lathe::probe
