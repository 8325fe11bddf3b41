// Quantisers against ggml's own bits (gguf 0.19, gguf.quants.quantize), and the K-quants against what ggml's reference
// search leaves as error.
#include "quant/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "quant/blocks.h"
#include "quant/dequantize.h"
#include "quant/k_quants.h"

namespace lathe {
namespace {

constexpr DType kBlockTypes[] = {DType::q4_0, DType::q4_1, DType::q5_0, DType::q5_1,
                                 DType::q8_0, DType::q4_k, DType::q5_k, DType::q6_k};

// About normal with deviation 1: the sum of twelve uniform numbers, the same in Python.
std::vector<float> normal_values(size_t count, uint32_t seed) {
  std::vector<float> values(count);
  for (float& value : values) {
    int32_t sum = 0;
    for (int i = 0; i < 12; ++i) {
      seed = seed * 1664525u + 1013904223u;
      sum += static_cast<int32_t>(seed >> 16);
    }
    value = static_cast<float>(sum - 6 * 65535) / 65536.0f;
  }
  return values;
}

std::vector<std::byte> quantized(DType dtype, const std::vector<float>& x) {
  const DTypeInfo& info = dtype_info(dtype);
  std::vector<std::byte> bytes(x.size() / static_cast<size_t>(info.block) * static_cast<size_t>(info.bytes));
  const Status status = quantize(dtype, x, bytes);
  EXPECT_TRUE(status.ok()) << status.message();
  return bytes;
}

std::vector<float> back(DType dtype, const std::vector<std::byte>& bytes, size_t count) {
  std::vector<float> values(count);
  EXPECT_TRUE(dequantize(dtype, bytes, static_cast<int64_t>(count), values.data()).ok());
  return values;
}

double rmse(const std::vector<float>& x, const std::vector<float>& y) {
  double squares = 0;
  for (size_t i = 0; i < x.size(); ++i) squares += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
  return std::sqrt(squares / static_cast<double>(x.size()));
}

uint64_t fnv(const std::vector<std::byte>& bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<uint64_t>(byte)) * 0x100000001b3;
  return hash;
}

TEST(Quantize, BlocksHaveThePeersBits) {
  constexpr std::pair<DType, uint64_t> kPeer[] = {{DType::q4_0, 0xd339366b70dfaf3c}, {DType::q4_1, 0x2ec623b28cfed514},
                                                  {DType::q5_0, 0x233c6843023ca10},  {DType::q5_1, 0x87e13a831f15e7c0},
                                                  {DType::q8_0, 0x425e4099a356c407}, {DType::f16, 0xb3c278ec443a3810},
                                                  {DType::bf16, 0x9caa7fa748def356}};
  const auto x = normal_values(8192, 1);
  for (const auto& [dtype, hash] : kPeer) EXPECT_EQ(fnv(quantized(dtype, x)), hash) << dtype_name(dtype);
}

// What ggml_quantize_chunk leaves for the same values, without an importance matrix.
TEST(Quantize, TheKQuantsErrorIsBelowThePeers) {
  constexpr std::pair<DType, double> kPeer[] = {
      {DType::q4_k, 0.070905}, {DType::q5_k, 0.0360001}, {DType::q6_k, 0.0176525}};
  const auto x = normal_values(65536, 1);
  for (const auto& [dtype, peer] : kPeer) {
    const double error = rmse(x, back(dtype, quantized(dtype, x), x.size()));
    EXPECT_LT(error, peer) << dtype_name(dtype);
    EXPECT_GT(error, 0.9 * peer) << dtype_name(dtype) << ": is the comparison still one?";
  }
}

TEST(Quantize, WhatABlockCanHoldIsKept) {
  for (const DType dtype : kBlockTypes) {
    const auto first = back(dtype, quantized(dtype, normal_values(512, 3)), 512);
    const double again = rmse(first, back(dtype, quantized(dtype, first), 512));
    EXPECT_LE(again, 0.02) << dtype_name(dtype);
    const std::vector<float> zeros(256);
    EXPECT_EQ(back(dtype, quantized(dtype, zeros), 256), zeros) << dtype_name(dtype);
  }
}

TEST(Quantize, ExtremesAreHeldWithinTheirStep) {
  for (const DType dtype : kBlockTypes) {
    for (const float size : {65504.0f, 1.0f, 1e-4f}) {
      std::vector<float> x = normal_values(256, 5);
      for (float& value : x) value = std::clamp(value, -1.0f, 1.0f) * size;
      for (const float value : back(dtype, quantized(dtype, x), 256)) {
        EXPECT_TRUE(std::isfinite(value)) << dtype_name(dtype);
        EXPECT_LE(std::fabs(value), 1.2f * size) << dtype_name(dtype);
      }
    }
    for (const float least : {1e-9f, 1e-30f, 1e-44f})  // below what f16 has: zeros, and nothing that is no number
      for (const float value : back(dtype, quantized(dtype, std::vector<float>(256, least)), 256))
        EXPECT_LE(std::fabs(value), 1e-7f) << dtype_name(dtype);
  }
}

TEST(Quantize, PackedScalesAreReadBack) {
  std::array<int, 8> scales, minima;
  for (int turn = 0; turn < 64; ++turn) {
    for (int j = 0; j < 8; ++j) {
      scales[static_cast<size_t>(j)] = (turn * 7 + j * 13) % 64;
      minima[static_cast<size_t>(j)] = (turn * 5 + j * 29) % 64;
    }
    const KScales packed = KScales::of(scales, minima);
    for (int j = 0; j < 8; ++j) {
      EXPECT_EQ(packed.scale(j), scales[static_cast<size_t>(j)]);
      EXPECT_EQ(packed.minimum(j), minima[static_cast<size_t>(j)]);
    }
  }
}

// The end of a row that blocks do not fill.
TEST(Quantize, WhatIsBehindTheEndIsAboutZero) {
  const auto x = normal_values(32, 9);
  const auto check = [&](auto block) {
    float out[32];
    encode(x.data(), 20, &block);
    decode(block, out);
    for (int i = 20; i < 32; ++i) EXPECT_NEAR(out[i], 0, 0.3) << i;
  };
  check(BlockQ8_0());
  check(BlockQ4_0());
  check(BlockQ4_1());
  check(BlockQ5_0());
  check(BlockQ5_1());
}

TEST(Quantize, WhatCannotBeWrittenIsASentence) {
  const auto error = [](DType dtype, const std::vector<float>& x, size_t bytes) {
    std::vector<std::byte> out(bytes);
    const Status status = quantize(dtype, x, out);
    EXPECT_FALSE(status.ok());
    return status.message();
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_NE(error(DType::iq4_nl, std::vector<float>(32), 18).find("dtype is IQ4_NL, needed: F32"), std::string::npos);
  EXPECT_NE(error(DType::q4_k, std::vector<float>(32), 18).find("count is 32, needed: a multiple of 256"),
            std::string::npos);
  EXPECT_NE(error(DType::q8_0, std::vector<float>(32), 18).find("room for 18 bytes"), std::string::npos);
  EXPECT_NE(error(DType::q8_0, std::vector<float>(32, nan), 34).find("value 0 is nan, needed: at most 65504"),
            std::string::npos);
  EXPECT_NE(error(DType::f16, {1, 70000}, 4).find("value 1 is 70000"), std::string::npos);
}

}  // namespace
}  // namespace lathe
