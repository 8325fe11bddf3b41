#include <cstdint>

#include "tune/ceiling_loops.h"

namespace lathe::tune {
namespace {

struct alignas(64) TileConfig {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16};
};

// Four chains of the largest tiles: 16 x 16 sums of 64 products of bytes each, or of 32 of bf16. One starts every 16
// cycles and is done after 52.
#define LATHE_TILE_LOOP(rounds, product)                                                           \
  const TileConfig config;                                                                         \
  asm volatile(                                                                                    \
      "ldtilecfg %[config]\n\t"                                                                    \
      ".p2align 4\n"                                                                               \
      "1:\n\t" product " %%tmm5, %%tmm4, %%tmm0\n\t" product " %%tmm5, %%tmm4, %%tmm1\n\t" product \
      " %%tmm5, %%tmm4, %%tmm2\n\t" product                                                        \
      " %%tmm5, %%tmm4, %%tmm3\n\t"                                                                \
      "dec %[n]\n\t"                                                                               \
      "jnz 1b\n\t"                                                                                 \
      "tilerelease"                                                                                \
      : [n] "+r"(rounds)                                                                           \
      : [config] "m"(config)                                                                       \
      : "cc")

// The step of all integer kernels: there are no products of s16 by tiles, a16 and a16r take two of these.
void byte_mac(int64_t rounds) noexcept { LATHE_TILE_LOOP(rounds, "tdpbssd"); }
void bf16(int64_t rounds) noexcept { LATHE_TILE_LOOP(rounds, "tdpbf16ps"); }

#undef LATHE_TILE_LOOP

constexpr int kOps = 4 * 16 * 16 * 64 * 2;

}  // namespace

extern const CeilingLoops ceiling_table_amx;
const CeilingLoops ceiling_table_amx = {Isa::amx, nullptr, 0, byte_mac, kOps, byte_mac, kOps, {}, bf16, kOps / 2};

}  // namespace lathe::tune
