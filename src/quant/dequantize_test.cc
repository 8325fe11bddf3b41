// Every stored type against values that ggml's own Python package decoded (gguf 0.19, gguf.quants.dequantize).
#include "quant/dequantize.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "base/types.h"

namespace lathe {
namespace {

struct Case {
  DType dtype;
  uint32_t seed;
  int scale, minimum;  // where the f16 scale and the f16 minimum lie; -1: there is none
  float first, second, at17, last;
  uint64_t hash;  // FNV-1a of all values' bytes
};

constexpr Case kCases[] = {
    {DType::q4_0, 12347, 0, -1, 0x1.93p-7f, -0x1.2e4p-5f, 0x1.2e4p-5f, 0x1.60ap-4f, 0x4300466c0445eaac},
    {DType::q4_1, 12348, 0, 2, 0x1.26ep-3f, 0x1.727p-3f, 0x1.b6ap-4f, 0x1.401p-3f, 0x899b737ccf3673ea},
    {DType::q5_0, 12351, 0, -1, -0x1.151p-3f, 0x1.151p-3f, -0x1.93p-3f, 0.0f, 0x98589c2fd71e10f3},
    {DType::q5_1, 12352, 0, 2, 0x1.5cfp-2f, 0x1.b518p-2f, 0x1.116p-2f, 0x1.f06p-3f, 0xf9349288142075ee},
    {DType::q8_0, 12353, 0, -1, 0x1.f7cp-5f, -0x1.c56p-3f, 0x1.2e4p-3f, 0x1.c56p-2f, 0x6ce49752c76ba2ef},
    {DType::q4_k, 12357, 0, 2, 0x1.8b06p+1f, -0x1.6e1p-2f, -0x1.d554p+0f, -0x1.0e6cp-1f, 0xab1b30a5ce299287},
    {DType::q5_k, 12358, 0, 2, 0x1.016ap+1f, -0x1.87ecp+0f, -0x1.4a78p-1f, 0x1.005cp-1f, 0x30b1539d9ba00a73},
    {DType::q6_k, 12359, 208, -1, 0x1.f49ap+1f, 0x1.77738p+2f, -0x1.79dp-1f, -0x1.1d216p+4f, 0x48f45741a16135ab},
};

std::vector<std::byte> block_of(const Case& c) {
  std::vector<std::byte> bytes(static_cast<size_t>(dtype_info(c.dtype).bytes));
  uint32_t x = c.seed;
  for (std::byte& b : bytes) {
    x = x * 1664525u + 1013904223u;
    b = static_cast<std::byte>(x >> 24);
  }
  const auto put = [&bytes](int at, f16 value) {
    if (at >= 0) std::memcpy(bytes.data() + at, &value, sizeof value);
  };
  put(c.scale, to_f16(0.0123f));
  put(c.minimum, to_f16(0.0456f));
  return bytes;
}

uint64_t fnv(const std::vector<float>& values) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const float value : values) {
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) hash = (hash ^ (bits >> shift & 255)) * 0x100000001b3;
  }
  return hash;
}

TEST(Dequantize, EveryBlockTypeHasThePeersBits) {
  for (const Case& c : kCases) {
    const DTypeInfo& info = dtype_info(c.dtype);
    std::vector<float> out(static_cast<size_t>(info.block), std::numeric_limits<float>::quiet_NaN());
    ASSERT_TRUE(dequantize(c.dtype, block_of(c), info.block, out.data()).ok()) << info.name;
    EXPECT_EQ(out[0], c.first) << info.name;
    EXPECT_EQ(out[1], c.second) << info.name;
    EXPECT_EQ(out[17], c.at17) << info.name;
    EXPECT_EQ(out.back(), c.last) << info.name;
    EXPECT_EQ(fnv(out), c.hash) << info.name;
  }
}

TEST(Dequantize, BlocksAreIndependentAndMayLieUnaligned) {
  for (const Case& c : kCases) {
    const auto block = block_of(c);
    const int n = dtype_info(c.dtype).block;
    std::vector<std::byte> bytes(1);
    for (int i = 0; i < 3; ++i) bytes.insert(bytes.end(), block.begin(), block.end());
    std::vector<float> one(static_cast<size_t>(n)), three(static_cast<size_t>(3 * n));
    dequantizer(c.dtype)(block.data(), n, one.data());
    dequantizer(c.dtype)(bytes.data() + 1, 3 * n, three.data());
    for (int i = 0; i < 3 * n; ++i) EXPECT_EQ(three[static_cast<size_t>(i)], one[static_cast<size_t>(i % n)]);
  }
}

template <class T>
std::vector<float> decoded(DType dtype, std::vector<T> stored) {
  std::vector<float> out(stored.size());
  EXPECT_TRUE(
      dequantize(dtype, std::as_bytes(std::span(stored)), static_cast<int64_t>(stored.size()), out.data()).ok());
  return out;
}

TEST(Dequantize, PlainTypesAreWidenedExactly) {
  const float least = std::numeric_limits<float>::denorm_min(), inf = std::numeric_limits<float>::infinity();
  EXPECT_EQ(decoded<float>(DType::f32, {1.5f, least, -inf}), (std::vector<float>{1.5f, least, -inf}));
  EXPECT_EQ(decoded<double>(DType::f64, {0.1, 1e300}), (std::vector<float>{0.1f, inf}));
  EXPECT_EQ(decoded<uint16_t>(DType::f16, {0x3c00, 0x0001, 0xfc00, 0x7bff}),
            (std::vector<float>{1.0f, 0x1p-24f, -inf, 65504.0f}));
  EXPECT_EQ(decoded<uint16_t>(DType::bf16, {0x3f80, 0x0001, 0xff80}), (std::vector<float>{1.0f, 0x1p-133f, -inf}));
  EXPECT_TRUE(std::isnan(decoded<uint16_t>(DType::f16, {0x7c01})[0]));
}

void expect_error(DType dtype, size_t bytes, int64_t count, Code code, const std::string& words) {
  const std::vector<std::byte> stored(bytes);
  float out = 7;
  const Status status = dequantize(dtype, stored, count, &out);
  EXPECT_EQ(status.code(), code);
  EXPECT_NE(status.message().find(words), std::string::npos) << status.message();
  EXPECT_EQ(out, 7);
}

TEST(Dequantize, WhatCannotBeDecodedIsASentence) {
  expect_error(DType::iq4_nl, 18, 32, Code::unsupported, "IQ4_NL");
  expect_error(DType::i64, 8, 1, Code::unsupported, "I64");
  expect_error(DType::q4_k, 144, 255, Code::invalid_argument, "multiple of 256");
  expect_error(DType::q8_0, 33, 32, Code::invalid_argument, "bytes are 33");
  expect_error(DType::f32, 4, -1, Code::invalid_argument, "count is -1");
  expect_error(DType::f64, 0, int64_t{1} << 61, Code::invalid_argument, "bytes are 0");
}

}  // namespace
}  // namespace lathe
