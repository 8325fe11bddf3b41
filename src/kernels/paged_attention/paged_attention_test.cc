#include "kernels/paged_attention/paged_attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/memory.h"
#include "base/types.h"
#include "kernels/common/row_testing.h"
#include "quant/blocks.h"

namespace lathe::paged_attention {
namespace {

using namespace kernels::testing;

// What the cache keeps of element c of row i.
float kept(Rows& x, int64_t i, int64_t c, int64_t head_dim, Type type) {
  const float value = x.at(i, c);
  if (type == Type::f32) return value;
  if (type == Type::f16) return to_float(to_f16(value));
  if (type == Type::bf16) return to_float(to_bf16(value));
  const int64_t first = c / kScaled * kScaled;
  BlockQ8_0 block;
  encode(&x.at(i, first), static_cast<int>(std::min(kScaled, head_dim - first)), &block);
  float decoded[kScaled];
  decode(block, decoded);
  return decoded[c - first];
}

// One head of keys and values of a text, with `group` heads of queries, its pages full of NaN where nothing was stored.
struct Text {
  int64_t length, group, head_dim;
  Type type;
  Rows q, k, v, y;
  std::vector<Buffer> memory;
  std::vector<std::byte*> pages;
  Buffer scratch;
  static constexpr int64_t kAt = 128;  // the head's place in a page

  Text(int64_t tokens, int64_t heads, int64_t dim, Type t, uint32_t seed)
      : length(tokens),
        group(heads),
        head_dim(dim),
        type(t),
        q(tokens, heads * dim, 1, 7),
        k(tokens, dim, 2, 3),
        v(tokens, dim, 2, 3),
        y(tokens, heads * dim, 5, 2),
        scratch(*Buffer::create(scratch_bytes(dim))) {
    std::mt19937 random(seed);
    for (Rows* rows : {&q, &k, &v}) rows->fill(random, 1.5f);
    for (int64_t i = 0; i < tokens; i += kPage) {
      memory.push_back(*Buffer::create(kAt + head_bytes(dim, t)));
      std::memset(memory.back().data(), 0xff, memory.back().size());
      pages.push_back(memory.back().data());
    }
  }
  void store(const Variant& variant, int64_t first, int64_t tokens) {
    StoreArgs a = {.tokens = tokens, .head_dim = head_dim, .first = first, .k = &k.at(first, 0), .v = &v.at(first, 0)};
    a.token = k.stride();
    a.pages = pages.data();
    a.at = kAt;
    a.type = type;
    variant.store(a);
  }
  void attend(const Variant& variant, int64_t first, int64_t tokens, int64_t window) {
    Args a = {.tokens = tokens, .group = group, .head_dim = head_dim, .first = first, .q = &q.at(first, 0)};
    a.q_token = q.stride(), a.q_head = head_dim;
    a.pages = pages.data();
    a.at = kAt;
    a.type = type;
    a.scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
    a.window = window;
    a.y = &y.at(first, 0), a.y_token = y.stride(), a.y_head = head_dim;
    a.scratch = scratch.data();
    variant.run(a);
  }
  // Tokens in chunks, as a prompt comes.
  void run(const Variant& variant, int64_t chunk, int64_t window) {
    for (int64_t first = 0; first < length; first += chunk) {
      const int64_t tokens = std::min(chunk, length - first);
      store(variant, first, tokens);
      attend(variant, first, tokens, window);
    }
  }

  // Row i of head g in float64 from what the cache holds; the bound is that of kernels/attention's test.
  void expect_near_float64(int64_t i, int64_t g, int64_t window) {
    constexpr double kUnit = 0x1p-24;
    const double scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
    const int64_t begin = window < 0 ? 0 : std::max<int64_t>(0, i - window);
    std::vector<double> e;
    double top = -kInf, error = 0, sum = 0;
    for (int64_t j = begin; j <= i; ++j) {
      double s = 0, size = 0;
      for (int64_t c = 0; c < head_dim; ++c) {
        const double term = double{q.at(i, g * head_dim + c)} * kept(k, j, c, head_dim, type);
        s += term;
        size += std::fabs(term);
      }
      e.push_back(s * scale);
      top = std::max(top, s * scale);
      error = std::max(error, kUnit * scale * (static_cast<double>(head_dim) * size + 4 * std::fabs(s)));
    }
    for (double& w : e) sum += w = std::exp(w - top);
    const double relative = 2 * error + kUnit * (2 * std::fabs(top) + 2 * static_cast<double>(e.size()) + 16);
    for (int64_t d = 0; d < head_dim; ++d) {
      double exact = 0, size = 0;
      for (int64_t j = begin; j <= i; ++j) {
        const double w = e[static_cast<size_t>(j - begin)] / sum, value = kept(v, j, d, head_dim, type);
        exact += w * value;
        size += w * std::fabs(value);
      }
      ASSERT_NEAR(y.at(i, g * head_dim + d), exact, size * relative)
          << type_name(type) << ", row " << i << ", head " << g << ", element " << d << ", window " << window;
    }
  }
};

struct Shape {
  int64_t tokens, group, head_dim;
};
constexpr Shape kShapes[] = {{1, 1, 1},   {2, 3, 7},   {17, 7, 64},  {63, 2, 8},
                             {64, 1, 24}, {65, 4, 32}, {130, 5, 80}, {200, 1, 16}};
constexpr int64_t kWindows[] = {-1, 0, 20, 70};
constexpr Type kTypes[] = {Type::f16, Type::bf16, Type::f32, Type::q8_0};

using PagedAttentionTest = EveryVariant<Variant>;
INSTANTIATE_TEST_SUITE_P(Table, PagedAttentionTest, ::testing::ValuesIn(variants().begin(), variants().end()),
                         variant_test_name<const Variant*>);

TEST_P(PagedAttentionTest, IsNearFloat64) {
  for (const Type type : kTypes)
    for (const auto& [tokens, group, head_dim] : kShapes)
      for (const int64_t window : kWindows) {
        Text text(tokens, group, head_dim, type, 1);
        text.run(variant(), tokens, window);
        for (int64_t i = 0; i < tokens; i += 1 + i % 7)
          for (int64_t g = 0; g < group; ++g) text.expect_near_float64(i, g, window);
        for (Rows* rows : {&text.q, &text.k, &text.v, &text.y}) rows->expect_canaries();
      }
}

TEST_P(PagedAttentionTest, HasTheBitsOfTheScalarRow) {
  for (const Type type : kTypes)
    for (const auto& [tokens, group, head_dim] : kShapes)
      for (const int64_t window : kWindows) {
        Text found(tokens, group, head_dim, type, 2), expected(tokens, group, head_dim, type, 2);
        found.run(variant(), tokens, window);
        expected.run(table_scalar, tokens, window);
        found.y.expect_same_bits(expected.y);
        for (size_t i = 0; i < found.memory.size(); ++i)
          ASSERT_EQ(std::memcmp(found.memory[i].data(), expected.memory[i].data(), found.memory[i].size()), 0);
      }
}

TEST_P(PagedAttentionTest, HowTokensAreCutIntoCallsChangesNoBit) {
  for (const int64_t window : kWindows) {
    Text whole(150, 3, 20, Type::f16, 3);
    whole.run(variant(), 150, window);
    for (const int64_t chunk : {1, 7, 16, 64, 149}) {
      Text cut(150, 3, 20, Type::f16, 3);
      cut.run(variant(), chunk, window);
      cut.y.expect_same_bits(whole.y);
    }
  }
}

// Infinities, NaN, what rounds up to infinity, what is below the smallest normal number, ties.
TEST_P(PagedAttentionTest, RoundsToTheNearestWithTiesToEven) {
  const float values[] = {1.0f,      -0.0f,      kInf,       -kInf,    kNan,     65519.0f,
                          65520.0f,  0x1.002p0f, 0x1.006p0f, 0x1p-25f, 0x3p-25f, 0x1p-24f,
                          0x1.01p0f, 0x1.03p0f,  0x1p-149f,  3.4e38f,  -1e-7f};
  constexpr auto count = static_cast<int64_t>(std::size(values));
  for (const Type type : {Type::f16, Type::bf16}) {
    Text text(1, 1, count, type, 4);
    for (int64_t c = 0; c < count; ++c) text.k.at(0, c) = text.v.at(0, c) = values[c];
    text.store(variant(), 0, 1);
    const auto* k = reinterpret_cast<const uint16_t*>(text.pages[0] + Text::kAt);
    const uint16_t* v = k + count * kPage;
    for (int64_t c = 0; c < count; ++c) {
      const uint16_t bits = type == Type::f16 ? to_f16(values[c]).bits : to_bf16(values[c]).bits;
      EXPECT_EQ(k[c * kPage], bits) << type_name(type) << " of " << values[c];
      EXPECT_EQ(v[c], bits) << type_name(type) << " of " << values[c];
    }
  }
}

// What is not finite stays so: where it is in a key, in all elements of its block.
TEST_P(PagedAttentionTest, ABlockOfQ8WithANanOrAnInfinityIsNan) {
  for (const float bad : {kNan, kInf, -kInf}) {
    Text text(3, 1, 40, Type::q8_0, 5);
    text.k.at(1, 33) = bad;
    text.run(variant(), 3, -1);
    for (int64_t i = 0; i < 3; ++i) EXPECT_EQ(std::isnan(text.y.at(i, 0)), i >= 1) << bad << ", row " << i;
    Text other(3, 1, 40, Type::q8_0, 5);
    other.v.at(2, 5) = bad;
    other.run(variant(), 3, -1);
    for (int64_t c = 0; c < 40; ++c) EXPECT_EQ(std::isnan(other.y.at(2, c)), c < 32) << bad << ", element " << c;
  }
}

TEST(PagedAttention, TableFindsItsRowsAndTheBestOfAMachine) {
  for (const Variant* row : variants()) EXPECT_EQ(find(row->name), row);
  EXPECT_EQ(find("paged_attention.abacus"), nullptr);
  EXPECT_EQ(best(0).isa, Isa::scalar);
}

}  // namespace
}  // namespace lathe::paged_attention
