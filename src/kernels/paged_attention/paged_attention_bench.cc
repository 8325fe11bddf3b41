// Time of one head of keys and values of one text, for each row of the table: one token, and a prompt's chunk.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "base/memory.h"
#include "kernels/paged_attention/paged_attention.h"

namespace lathe::paged_attention {
namespace {

void attend(benchmark::State& state, const Variant& variant, Type type) {
  const int64_t tokens = state.range(0), group = state.range(1), keys = state.range(2), dim = state.range(3);
  std::vector<Buffer> memory;
  std::vector<std::byte*> pages;
  for (int64_t i = 0; i < keys; i += kPage) {
    memory.push_back(*Buffer::create(head_bytes(dim, type)));
    pages.push_back(memory.back().data());
  }
  std::vector<float> values(static_cast<size_t>(keys * dim)), y(static_cast<size_t>(tokens * group * dim));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i * 37 % 256) / 128.0f - 1.0f;
  variant.store({.tokens = keys,
                 .head_dim = dim,
                 .k = values.data(),
                 .v = values.data(),
                 .token = dim,
                 .pages = pages.data(),
                 .type = type});
  std::vector<float> q(y.size(), 0.25f);
  Buffer scratch = *Buffer::create(scratch_bytes(dim));
  Args a = {.tokens = tokens, .group = group, .head_dim = dim, .first = keys - tokens, .q = q.data()};
  a.q_token = a.y_token = group * dim;
  a.q_head = a.y_head = dim;
  a.pages = pages.data();
  a.type = type;
  a.scale = 0.125f;
  a.y = y.data();
  a.scratch = scratch.data();
  for (auto _ : state) {
    variant.run(a);
    benchmark::ClobberMemory();
  }
  state.counters["flops"] = benchmark::Counter(static_cast<double>(4 * tokens * group * keys * dim),
                                               benchmark::Counter::kIsIterationInvariantRate);
  state.counters["bytes"] = benchmark::Counter(static_cast<double>(keys / kPage * head_bytes(dim, type)),
                                               benchmark::Counter::kIsIterationInvariantRate);
}

// Tokens, heads of queries, keys, elements: one token of a head of its own and of grouped heads, a chunk.
[[maybe_unused]] const bool registered = [] {
  for (const Variant* variant : variants()) {
    if (!has_all(cpu_features(), isa_needs(variant->isa))) continue;
    for (const Type type : {Type::f16, Type::f32})
      benchmark::RegisterBenchmark((std::string(variant->name) + "/" + std::string(type_name(type))).c_str(),
                                   [=](benchmark::State& state) { attend(state, *variant, type); })
          ->Args({1, 1, 1024, 64})
          ->Args({1, 7, 1024, 64})
          ->Args({1, 4, 1024, 128})
          ->Args({128, 7, 512, 64});
  }
  return true;
}();

}  // namespace
}  // namespace lathe::paged_attention
