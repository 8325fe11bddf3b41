#include "base/bf16_rows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace lathe {
namespace {

TEST(Bf16Rows, RoundAsTheDefinition) {
  std::vector<float> values;
  for (uint32_t high = 0; high < 1u << 16; ++high)  // every bf16, and what lies about the middle to the next
    for (const uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      values.push_back(std::bit_cast<float>(high << 16 | low));
  const auto count = static_cast<int64_t>(values.size());
  std::vector<bf16> rounded(values.size());
  std::vector<float> widened(values.size());
  narrow(values.data(), count, rounded.data());
  widen(rounded.data(), count, widened.data());
  for (size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(rounded[i].bits, to_bf16(values[i]).bits) << std::bit_cast<uint32_t>(values[i]);
    ASSERT_EQ(std::bit_cast<uint32_t>(widened[i]), uint32_t{rounded[i].bits} << 16);
  }
}

}  // namespace
}  // namespace lathe
