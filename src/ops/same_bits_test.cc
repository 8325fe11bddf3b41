// One product of every numerics, by its bits: the constants were written down on x86-64, and every variant of every
// instruction set must give them, on whatever machine this runs.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "ops/test_product.h"

namespace lathe::ops {
namespace {

// FNV-1a.
uint64_t hash_of(const std::vector<std::byte>& bytes) {
  uint64_t state = 0xcbf29ce484222325u;
  for (const std::byte byte : bytes) state = (state ^ static_cast<uint64_t>(byte)) * 0x100000001b3u;
  return state;
}

// By numerics, types of A and of W, and rows.
const std::map<std::string, uint64_t> kExpected = {
    {"a16 f32 q8_0 1", 0x215d72a97c90b7c7u},     {"a16 f32 q8_0 7", 0xe0430c2adcc69a57u},
    {"a16r f32 i8 1", 0x78f35425c22bbe6cu},      {"a16r f32 i8 7", 0xf1e7fb7bdff7db3du},
    {"a7 f32 q8_a7 1", 0xbcee12cb32cee976u},     {"a7 f32 q8_a7 7", 0x7c4ba0c4d65bc8abu},
    {"a8 f32 q4_0 1", 0x574b5f78ef078f31u},      {"a8 f32 q4_0 7", 0xd6b2f1e67812fb74u},
    {"a8 f32 q4_1 1", 0xa5e366b1983e36d2u},      {"a8 f32 q4_1 7", 0xf0881a8497e6d059u},
    {"a8 f32 q4_k 1", 0x973356edf7b75560u},      {"a8 f32 q4_k 7", 0xc81f7d53ca8deeb2u},
    {"a8 f32 q5_k 1", 0xff8c1adb7ba4da4eu},      {"a8 f32 q5_k 7", 0xe889405b88204784u},
    {"a8 f32 q6_k 1", 0x3dd9c44c971db3ebu},      {"a8 f32 q6_k 7", 0x63763ad5fdbf7afdu},
    {"b16 f32 bf16_b16 1", 0xe2a7c16ed7c54e53u}, {"b16 f32 bf16_b16 7", 0xf49396a6acad5859u},
    {"d16 f32 bf16_d16 1", 0xd3978760d1ea2553u}, {"d16 f32 bf16_d16 7", 0x85e9f45d55683a62u},
    {"f32 f32 bf16 1", 0x1a6d65205ec03702u},     {"f32 f32 bf16 7", 0xdbb17e3479a80a01u},
    {"f32 f32 f16 1", 0x9aca70714baa26d3u},      {"f32 f32 f16 7", 0xe41e83c78a48128u},
    {"f32 f32 f32 1", 0x77bbd4260218b9b7u},      {"f32 f32 f32 7", 0x931c61853e4c34c7u},
    {"s32 s8 s8 1", 0x3ec7b96ed0a555f9u},        {"s32 s8 s8 7", 0x98cebe7c66b422f3u},
    {"s32 u8 s8 1", 0x1fe6ead444625285u},        {"s32 u8 s8 7", 0x6ddeee5a9e115447u},
};

matmul::Problem problem_of(const matmul::Variant& v, int64_t m) {
  matmul::Problem p{.m = m, .n = 391, .k = 768, .a = v.a, .w = v.w};
  const bool whole = std::string_view(v.numerics) == "s32";
  p.prepared = v.layout != matmul::Layout::rows_f32 && v.layout != matmul::Layout::cols_f32;
  p.order = v.layout == matmul::Layout::rows_f32 ? matmul::Order::kn : matmul::Order::nk;
  p.c = whole ? matmul::Type::s32 : matmul::Type::f32;
  p.bias = !whole;
  p.act = whole ? matmul::Activation::none : matmul::Activation::gelu_erf;
  return p;
}

std::string key_of(const matmul::Variant& v, int64_t m) {
  return std::string(v.numerics) + " " + std::string(type_name(v.a)) + " " + std::string(type_name(v.w)) + " " +
         std::to_string(m);
}

class OtherMachines : public ::testing::TestWithParam<const matmul::Variant*> {};
INSTANTIATE_TEST_SUITE_P(Matmul, OtherMachines, ::testing::ValuesIn(matmul::variants()), VariantTestName());

TEST_P(OtherMachines, GiveTheSameBits) {
  const matmul::Variant* v = GetParam();
  if (const std::string missing = missing_features(cpu_features(), isa_needs(v->isa)); !missing.empty())
    GTEST_SKIP() << "this CPU lacks " << missing;
  auto team = Team::create({.threads = 2});
  ASSERT_TRUE(team.ok());
  for (const int64_t m : {1, 7}) {
    if (v->m_max != 0 && m > v->m_max) continue;
    TestProduct product(problem_of(*v, m), 1);
    ASSERT_TRUE(product.run(v, **team).ok()) << v->name;
    const std::string key = key_of(*v, m);
    const uint64_t hash = hash_of(product.result());
    const auto expected = kExpected.find(key);
    EXPECT_TRUE(expected != kExpected.end() && expected->second == hash)
        << v->name << ": {\"" << key << "\", 0x" << std::hex << hash << "u},";
  }
}

TEST(OtherMachines, AreAskedForEveryNumerics) {
  std::set<std::string> keys;
  for (const matmul::Variant* v : matmul::variants())
    for (const int64_t m : {1, 7}) keys.insert(key_of(*v, m));
  EXPECT_EQ(keys.size(), kExpected.size());
  for (const std::string& key : keys) EXPECT_TRUE(kExpected.contains(key)) << key;
}

}  // namespace
}  // namespace lathe::ops
