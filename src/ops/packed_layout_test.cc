// The bytes of every packed layout, pinned: files of packed weights outlive the program that wrote them.
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>

#include "base/sha256.h"
#include "formats/packed_file.h"
#include "ops/matmul.h"

namespace lathe::ops {
namespace {

using matmul::Layout;

// Sixteenths: exact in every type that has eight bits.
std::vector<float> small_matrix(int64_t n, int64_t k) {
  std::vector<float> w(static_cast<size_t>(n * k));
  std::mt19937 random(3);
  for (float& x : w) x = static_cast<float>(static_cast<int>(random() % 255) - 127) / 16;
  return w;
}

std::string_view text(const Weights& w) {
  return {reinterpret_cast<const char*>(w.data()), static_cast<size_t>(w.bytes())};
}

TEST(PackedLayout, ItsBytesChangeOnlyWithTheVersionOfTheirFiles) {
  // Neither in whole panels nor in whole blocks, but for those of 256.
  constexpr int64_t kN = 37, kSmallK = 70, kLargeK = 512;
  const auto small = small_matrix(kN, kSmallK), large = small_matrix(kN, kLargeK);
  // A hash differs: packed files of older builds would be read wrongly. Raise kPackedVersion and give the new hashes.
  ASSERT_EQ(kPackedVersion, 3u);
  const struct {
    Layout layout;
    const char* sha256;
  } expected[] = {
      {Layout::panel_f32, "2cf35b83d32e384dd282260e900f5c78536d124419fe4da8160aa4a2cd8202c4"},
      {Layout::panel_bf16, "f993697e8a5a83211098202539a01eb3da24e20f16730574e166ad2234e06878"},
      {Layout::panel_f16, "fe291fff2bae00e925386c14fe9cb9112d6e5b395b8ee87ebbf5bad793a03faf"},
      {Layout::panel_q8, "b698963963a23eac58ea5b07107db3987e02ff5fbcab2ea9dd1bd00e9ecd4ef2"},
      {Layout::panel_q4, "9c1723254a1338bb9357dd6224ed63453ce89196929e72c2a17a0d6550bed216"},
      {Layout::panel_q4m, "344a5b2126076181f200067a2bc357e768623f7dd2f4262b183b9cefb60ee2a9"},
      {Layout::panel_i8, "8b8d96c2842e310e413c6b106797fbcf5407e79773a747823a9795a47264ea03"},
      {Layout::panel_q4k, "3151e0ec3528c042eb01b29924872b9b4655feba7dd644db8af1c00bfe773541"},
      {Layout::panel_q5k, "67e86ce795c98678e8157f47aac6ec9fbbaa0d4ff9e2200e96c3826ac633be49"},
      {Layout::panel_q6k, "fe68707b11d179a53556bb536ae82a4c319b61a00da804058211313c28e8f474"},
      {Layout::panel_q8s, "c4eb8b5862867094739e9a1b3786650e68f8230b5bfc52e6c6917171e8be3fd0"},
  };
  for (const auto& [layout, sha256] : expected) {
    const int64_t k = matmul::k_unit(layout) > 1 ? kLargeK : kSmallK;
    const matmul::Source source = {.data = (k == kLargeK ? large : small).data(), .ld = k};
    const auto packed = Weights::prepare({&source, 1}, kN, k, layout, nullptr);
    ASSERT_TRUE(packed.ok()) << packed.status().message();
    EXPECT_EQ(sha256_hex(text(*packed)), sha256) << layout_name(layout);
    EXPECT_EQ(packed_bytes(kN, k, false, layout), packed->bytes()) << layout_name(layout);
    const matmul::Source both[] = {source, source};
    const auto gated = Weights::prepare(both, kN, k, layout, nullptr);
    ASSERT_TRUE(gated.ok());
    EXPECT_EQ(packed_bytes(kN, k, true, layout), gated->bytes()) << layout_name(layout);
  }
}

TEST(PackedLayout, StackedSourcesArePackedAsOneWouldBe) {
  constexpr int64_t kRows[] = {32, 48, 19}, kAll = 32 + 48 + 19, kK = 45;
  const auto w = small_matrix(kAll, kK);
  const matmul::Source whole = {.data = w.data(), .ld = kK};
  std::vector<Weights::Part> parts;
  const float* at = w.data();
  for (const int64_t rows : kRows) {
    parts.push_back({{.data = at, .ld = kK}, rows});
    at += rows * kK;
  }
  const auto team = Team::create({.threads = 2});
  ASSERT_TRUE(team.ok());
  for (const Layout layout : {Layout::panel_f32, Layout::panel_q8, Layout::panel_q8s}) {
    const auto expected = Weights::prepare({&whole, 1}, kAll, kK, layout, nullptr);
    const auto stacked = Weights::prepare_stacked(parts, kK, layout, team->get());
    ASSERT_TRUE(stacked.ok()) << stacked.status().message();
    EXPECT_EQ(stacked->n(), kAll);
    EXPECT_FALSE(stacked->gated());
    EXPECT_EQ(text(*stacked), text(*expected));
  }
  std::swap(parts[1], parts[2]);  // 19 columns end within a panel
  EXPECT_FALSE(Weights::prepare_stacked(parts, kK, Layout::panel_f32, nullptr).ok());
  EXPECT_FALSE(Weights::prepare_stacked({}, kK, Layout::panel_f32, nullptr).ok());
}

TEST(PackedLayout, LentPanelsStayAsLongAsTheWeights) {
  auto owner = std::make_shared<std::vector<std::byte>>(1024);
  const std::weak_ptr<std::vector<std::byte>> watched = owner;
  Weights lent = Weights::over(*owner, 16, 16, false, Layout::panel_f32, owner);
  const std::byte* data = owner->data();
  owner.reset();
  Weights moved = std::move(lent);
  EXPECT_EQ(moved.data(), data);
  EXPECT_EQ(moved.bytes(), 1024);
  EXPECT_FALSE(watched.expired());
  moved = Weights();
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace lathe::ops
