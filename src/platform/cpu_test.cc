#include "platform/cpu.h"

#include <gtest/gtest.h>

#include "platform/cpu_decode.h"

namespace lathe {
namespace {

constexpr uint32_t bits(std::initializer_list<int> indices) {
  uint32_t word = 0;
  for (const int i : indices) word |= 1u << i;
  return word;
}

// A Zen 3, as it answers.
X86Answers zen3() {
  X86Answers a;
  a.leaf1_ecx = bits({12, 27, 28, 29});
  a.leaf7_ebx = bits({3, 5, 8});
  a.leaf80000001_ecx = bits({5});
  a.xcr0 = 0x7;
  return a;
}

X86Answers sapphire_rapids() {
  X86Answers a = zen3();
  a.leaf7_ebx |= bits({16, 17, 28, 30, 31});
  a.leaf7_ecx = bits({11});
  a.leaf7_edx = bits({22, 24, 25});
  a.leaf7_1_eax = bits({4, 5});
  a.xcr0 = 0x602e7;
  a.amx_permitted = true;
  return a;
}

TEST(CpuDecode, Zen3) { EXPECT_EQ(feature_names(decode_x86(zen3())), "avx2 fma f16c"); }

TEST(CpuDecode, SapphireRapids) {
  EXPECT_EQ(feature_names(decode_x86(sapphire_rapids())),
            "avx2 fma f16c avx512f avx512bw avx512dq avx512vl avx512vnni avx512bf16 avxvnni amx_int8 amx_bf16");
  EXPECT_TRUE(has_all(decode_x86(sapphire_rapids()), isa_needs(Isa::amx)));
}

TEST(CpuDecode, WhatTheOperatingSystemDoesNotSaveIsNotThere) {
  X86Answers a = sapphire_rapids();
  a.xcr0 = 0x3;  // no YMM
  EXPECT_EQ(decode_x86(a), 0u);
  a.xcr0 = 0x7;  // no ZMM
  EXPECT_EQ(feature_names(decode_x86(a)), "avx2 fma f16c avxvnni");
  a.xcr0 = 0x67;  // masks and the low ZMM only
  EXPECT_FALSE(has_all(decode_x86(a), static_cast<FeatureSet>(Feature::avx512f)));
  a.xcr0 = 0xe7;  // no tiles
  EXPECT_TRUE(has_all(decode_x86(a), isa_needs(Isa::avx512_vnni)));
  EXPECT_FALSE(has_all(decode_x86(a), static_cast<FeatureSet>(Feature::amx_int8)));
  a.xcr0 = 0x602e7;
  a.amx_permitted = false;
  EXPECT_FALSE(has_all(decode_x86(a), static_cast<FeatureSet>(Feature::amx_int8)));
}

TEST(CpuDecode, Avx2StandsForBmiAndLzcntToo) {
  for (const int lacking : {3, 5, 8}) {
    X86Answers a = zen3();
    a.leaf7_ebx &= ~bits({lacking});
    EXPECT_EQ(feature_names(decode_x86(a)), "fma f16c") << "without leaf 7 EBX bit " << lacking;
  }
  X86Answers a = zen3();
  a.leaf80000001_ecx = 0;
  EXPECT_EQ(feature_names(decode_x86(a)), "fma f16c");
}

TEST(CpuDecode, Aarch64) {
  EXPECT_EQ(feature_names(decode_aarch64(bits({0, 1}), 0)), "neon");              // Cortex-A72
  EXPECT_EQ(feature_names(decode_aarch64(bits({0, 1, 20}), 0)), "neon dotprod");  // Neoverse N1
  EXPECT_EQ(feature_names(decode_aarch64(bits({0, 1, 20, 22}), bits({13, 14}))), "neon dotprod i8mm bf16 sve");
  EXPECT_EQ(feature_names(decode_aarch64(bits({1, 20}), bits({13, 14, 23}))), "neon dotprod i8mm bf16 sme");
}

TEST(Isa, NamesAreReadBack) {
  for (int i = 0; i <= static_cast<int>(Isa::sme); ++i) {
    const auto isa = static_cast<Isa>(i);
    const auto parsed = parse_isa(isa_name(isa));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, isa);
  }
  for (const char* wrong : {"", "AVX2", "avx", "avx2 "}) {
    const auto parsed = parse_isa(wrong);
    ASSERT_FALSE(parsed.ok()) << wrong;
    EXPECT_EQ(parsed.status().code(), Code::invalid_argument);
    EXPECT_NE(parsed.status().message().find("scalar, avx2, avx_vnni, avx512"), std::string::npos);
  }
}

TEST(Isa, Needs) {
  EXPECT_EQ(isa_needs(Isa::scalar), 0u);
  EXPECT_EQ(feature_names(isa_needs(Isa::avx2)), "avx2 fma f16c");
  EXPECT_EQ(feature_names(isa_needs(Isa::avx512)), "avx2 fma f16c avx512f avx512bw avx512dq avx512vl");
  EXPECT_EQ(missing_features(decode_x86(zen3()), isa_needs(Isa::avx512_vnni)),
            "avx512f avx512bw avx512dq avx512vl avx512vnni");
  EXPECT_EQ(missing_features(decode_x86(zen3()), isa_needs(Isa::avx2)), "");
}

TEST(CpuFeatures, AgreeWithTheCompilersOwnDetection) {
#if defined(__x86_64__)
  const FeatureSet have = cpu_features();
  const auto detected = [have](Feature feature) { return has_all(have, static_cast<FeatureSet>(feature)); };
  EXPECT_EQ(detected(Feature::avx2), __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"));
  EXPECT_EQ(detected(Feature::fma), __builtin_cpu_supports("fma") != 0);
  EXPECT_EQ(detected(Feature::avx512f), __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(detected(Feature::avx512bw), __builtin_cpu_supports("avx512bw") != 0);
  EXPECT_EQ(detected(Feature::avx512vnni), __builtin_cpu_supports("avx512vnni") != 0);
#else
  GTEST_SKIP() << "x86-64 only";
#endif
}

}  // namespace
}  // namespace lathe
