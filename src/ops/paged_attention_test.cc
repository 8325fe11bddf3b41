#include "ops/paged_attention.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <vector>

#include "kernels/attention/attention.h"
#include "ops/team_executor.h"

namespace lathe::ops {
namespace {

static_assert(kKvPage == attention::kKeys, "the blocks of both kernels");

// Queries, keys and values of texts, side by side.
struct Layer {
  KvShape shape{.layers = 2, .kv_heads = 2, .head_dim = 24, .type = KvType::f32};
  int64_t heads = 6;
  int64_t row() const { return (heads + 2 * shape.kv_heads) * shape.head_dim; }
  std::vector<float> values(int64_t tokens, uint32_t seed) const {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> v(static_cast<size_t>(tokens * row()));
    for (float& x : v) x = normal(random);
    return v;
  }
};

// With keys and values in f32 a token gets what the kernel of the encoders gives to the last row of a text that ends
// with it: one order of addition.
TEST(PagedAttention, HasTheBitsOfTheAttentionOverWholeTexts) {
  const Layer layer;
  const KvShape& shape = layer.shape;
  constexpr int64_t kTokens = 150;
  const std::vector<float> qkv = layer.values(kTokens, 1);
  const int64_t dim = shape.head_dim, row = layer.row(), y_row = layer.heads * dim;
  for (const int threads : {1, 2, 3}) {
    const auto team = std::move(*Team::create({.threads = threads}));
    const CpuKernels kernels = CpuKernels::best();
    Buffer scratch = *Buffer::create(threads * paged_attention_scratch_bytes(dim));
    Buffer whole_scratch = *Buffer::create(attention::scratch_bytes(dim));
    for (const int64_t window : {-1, 33}) {
      KvPool pool(shape);
      KvText text(pool);
      std::vector<float> found(static_cast<size_t>(kTokens * y_row)), copy = qkv;
      for (int64_t first = 0, count; first < kTokens; first += count) {
        count = std::min<int64_t>(first == 0 ? 70 : 1, kTokens - first);
        ASSERT_TRUE(text.reserve(first + count).ok());
        const int64_t offsets[] = {0, count};
        const std::vector<int32_t> ids(static_cast<size_t>(count));
        const CachedText cached[] = {{first, text.pages()}};
        const CachedBatch batch = {{ids, offsets}, cached, &shape};
        CacheOperands cache;
        cache.layer = 1;
        cache.heads = layer.heads;
        cache.qkv = copy.data() + first * row;
        cache.row = row;
        PagedAttentionOperands x;
        x.layer = 1;
        x.heads = layer.heads;
        x.scale = 0.2f;
        x.window = window;
        x.q = cache.qkv;
        x.q_row = row;
        x.y = found.data() + first * y_row;
        x.y_row = y_row;
        x.scratch = scratch.data();
        run_steps(*team, Dispatch::model, kernels, nullptr, 1, [&](Executor& executor, int64_t) {
          executor.rotate_and_cache(batch, cache);
          executor.sync();
          executor.attention(batch, x);
          executor.sync();
        });
        text.advance(count);
      }
      for (int64_t t = 0; t < kTokens; ++t)
        for (int64_t h = 0; h < layer.heads; ++h) {
          std::vector<float> y(static_cast<size_t>(dim));
          attention::Args a = {.rows = 1, .keys = t + 1, .head_dim = dim, .first = t};
          a.q = qkv.data() + t * row + h * dim;
          a.k = qkv.data() + (layer.heads + h / 3) * dim;
          a.v = a.k + shape.kv_heads * dim;
          a.q_row = a.k_row = a.v_row = row;
          a.scale = 0.2f;
          a.window = window;
          a.y = y.data(), a.y_row = dim;
          a.scratch = whole_scratch.data();
          attention::best(cpu_features()).run(a);
          for (int64_t d = 0; d < dim; ++d)
            ASSERT_EQ(std::bit_cast<uint32_t>(found[static_cast<size_t>(t * y_row + h * dim + d)]),
                      std::bit_cast<uint32_t>(y[static_cast<size_t>(d)]))
                << "token " << t << ", head " << h << ", window " << window;
        }
    }
  }
}

}  // namespace
}  // namespace lathe::ops
