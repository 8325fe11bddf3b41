// The trap against the instructions' definition: every combination of signs, small tiles, strides, wrapping sums. On a
// CPU that has AMX the same cases test the CPU.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "amx_trap.h"
#include "base/types.h"
#include "platform/cpu.h"

namespace lathe {
namespace {

struct alignas(64) Config {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

std::vector<uint8_t> noise(size_t count, uint32_t seed) {
  std::vector<uint8_t> bytes(count);
  for (uint8_t& b : bytes) b = static_cast<uint8_t>((seed = seed * 1664525u + 1013904223u) >> 24);
  return bytes;
}

// sums (m by n) += a (m by k bytes, a_row apart) * w (k / 4 by n quads), in tmm2, tmm5 and tmm7.
struct Product {
  int m, n, k;
  int64_t a_row = 80, w_row = 64, sum_row = 64;
  std::vector<uint8_t> a = noise(16 * 80, 1), w = noise(16 * 64, 2);
  std::vector<int32_t> sums = std::vector<int32_t>(16 * 16, 1'000);

  Config config() const {
    Config c;
    c.rows[2] = c.rows[5] = static_cast<uint8_t>(m);
    c.rows[7] = static_cast<uint8_t>(k / 4);
    c.row_bytes[2] = c.row_bytes[7] = static_cast<uint16_t>(4 * n);
    c.row_bytes[5] = static_cast<uint16_t>(k);
    return c;
  }
  std::vector<int32_t> expected(bool a_signed, bool w_signed) const {
    std::vector<int32_t> result = sums;
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        uint32_t sum = static_cast<uint32_t>(result[static_cast<size_t>(i * 16 + j)]);
        for (int q = 0; q < k; ++q) {
          const uint8_t x = a[static_cast<size_t>(i * a_row + q)],
                        y = w[static_cast<size_t>(q / 4 * w_row + 4 * j + q % 4)];
          const int product = (a_signed ? static_cast<int8_t>(x) : x) * (w_signed ? static_cast<int8_t>(y) : y);
          sum += static_cast<uint32_t>(product);
        }
        result[static_cast<size_t>(i * 16 + j)] = static_cast<int32_t>(sum);
      }
    return result;
  }
};

#define LATHE_PRODUCT(p, instruction)                                                                                \
  do {                                                                                                               \
    const Config config = (p).config();                                                                              \
    asm volatile(                                                                                                    \
        "ldtilecfg %0\n\ttileloadd (%1,%2), %%tmm2\n\ttileloadd (%3,%4), %%tmm5\n\t"                                 \
        "tileloadd (%5,%6), %%tmm7\n\t" instruction                                                                  \
        " %%tmm7, %%tmm5, %%tmm2\n\t"                                                                                \
        "tilestored %%tmm2, (%1,%2)\n\ttilerelease"                                                                  \
        :                                                                                                            \
        : "m"(config), "r"((p).sums.data()), "r"((p).sum_row), "r"((p).a.data()), "r"((p).a_row), "r"((p).w.data()), \
          "r"((p).w_row)                                                                                             \
        : "memory");                                                                                                 \
  } while (false)

TEST(AmxTrap, detection_reports_it) { EXPECT_TRUE(has_all(cpu_features(), isa_needs(Isa::amx))); }

// Bytes are bf16 here, of any exponent but those of infinity and NaN, subnormal ones too.
TEST(AmxTrap, products_of_bf16_are_two_chains) {
  const auto flushed = [](float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; };
  const auto value = [&](const std::vector<uint8_t>& from, int64_t at) {
    bf16 x;
    std::memcpy(&x, from.data() + at, 2);
    return flushed(to_float(x));
  };
  for (const auto& [m, n, k] : {std::array{16, 16, 64}, {3, 5, 64}, {16, 2, 8}}) {
    Product p = {m, n, k};
    for (std::vector<uint8_t>* of : {&p.a, &p.w})
      for (size_t i = 1; i < of->size(); i += 2)
        (*of)[i] = static_cast<uint8_t>(((*of)[i] & 0x9f) | (i % 3 == 0 ? 0x20 : 0));
    std::vector<int32_t> want = p.sums;  // 1'000: a subnormal number
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        float chains[2] = {};
        for (int q = 0; q < k / 2; ++q)
          chains[q % 2] = flushed(std::fma(value(p.a, i * p.a_row + 2 * q),
                                           value(p.w, q / 2 * p.w_row + 4 * j + q % 2 * 2), chains[q % 2]));
        const float sum = flushed(0.0f + flushed(chains[0] + chains[1]));
        std::memcpy(&want[static_cast<size_t>(i * 16 + j)], &sum, 4);
      }
    LATHE_PRODUCT(p, "tdpbf16ps");
    EXPECT_EQ(p.sums, want) << m << " " << n << " " << k;
  }
}

TEST(AmxTrap, products_of_every_shape_and_sign) {
  for (const auto& [m, n, k] : {std::array{16, 16, 64}, {1, 16, 64}, {7, 16, 32}, {16, 5, 16}, {13, 1, 8}, {2, 3, 4}}) {
    Product p = {m, n, k};
    std::vector<int32_t> want = p.expected(true, true);
    LATHE_PRODUCT(p, "tdpbssd");
    EXPECT_EQ(p.sums, want) << m << " " << n << " " << k;
    want = p.expected(true, false);
    LATHE_PRODUCT(p, "tdpbsud");
    EXPECT_EQ(p.sums, want) << m << " " << n << " " << k;
    want = p.expected(false, true);
    LATHE_PRODUCT(p, "tdpbusd");
    EXPECT_EQ(p.sums, want) << m << " " << n << " " << k;
    want = p.expected(false, false);
    LATHE_PRODUCT(p, "tdpbuud");
    EXPECT_EQ(p.sums, want) << m << " " << n << " " << k;
  }
}

TEST(AmxTrap, sums_wrap) {
  Product p = {16, 16, 64};
  p.a.assign(p.a.size(), 0x7f);
  p.w.assign(p.w.size(), 0x7f);
  p.sums.assign(p.sums.size(), 0x7fffffff);
  const std::vector<int32_t> want = p.expected(true, true);
  EXPECT_LT(want[0], 0);
  LATHE_PRODUCT(p, "tdpbssd");
  EXPECT_EQ(p.sums, want);
}

TEST(AmxTrap, scaled_index_and_displacement) {
  Product p = {9, 16, 48};
  const std::vector<int32_t> want = p.expected(true, true);
  const Config config = p.config();
  asm volatile(
      "ldtilecfg %0\n\ttileloadd -96(%1,%2,8), %%tmm2\n\ttileloadd 512(%3,%4,4), %%tmm5\n\ttileloadd (%5,%6,1), "
      "%%tmm7\n\t"
      "tdpbssd %%tmm7, %%tmm5, %%tmm2\n\ttilestored %%tmm2, -96(%1,%2,8)\n\ttilerelease"
      :
      : "m"(config), "r"(p.sums.data() + 24), "r"(p.sum_row / 8), "r"(p.a.data() - 512), "r"(p.a_row / 4),
        "r"(p.w.data()), "r"(p.w_row)
      : "memory");
  EXPECT_EQ(p.sums, want);
}

TEST(AmxTrap, a_configuration_is_read_back_and_released) {
  Config config = Product{3, 4, 20}.config(), found;
  asm volatile("ldtilecfg %1\n\tsttilecfg %0\n\ttilerelease" : "=m"(found) : "m"(config));
  EXPECT_EQ(std::memcmp(&config, &found, sizeof config), 0);
  asm volatile("sttilecfg %0" : "=m"(found));
  const Config none = {.palette = 0};
  EXPECT_EQ(std::memcmp(&none, &found, sizeof none), 0);
}

TEST(AmxTrap, counts_what_it_carries_out) {
  if (cpu_has_amx()) GTEST_SKIP() << "this CPU has AMX, nothing is trapped";
  const int64_t before = amx_traps();
  Product p = {16, 16, 64};
  LATHE_PRODUCT(p, "tdpbssd");
  EXPECT_EQ(amx_traps() - before, 7);
}

}  // namespace
}  // namespace lathe
