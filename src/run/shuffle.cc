#include "run/shuffle.h"

#include <bit>

#include "sample/random.h"

namespace lathe::run {
namespace {

// Four rounds of Feistel's network with a random function make a random permutation (Luby & Rackoff, 1988).
constexpr int kRounds = 4;
constexpr uint32_t kDraw = 0xFFFFFFFF;  // no round has this number

uint32_t random(uint64_t seed, int64_t epoch, uint32_t round, uint64_t value) {
  const auto e = static_cast<uint64_t>(epoch);
  const auto bits =
      sample::philox({static_cast<uint32_t>(value), round, static_cast<uint32_t>(e), static_cast<uint32_t>(e >> 32)},
                     {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  return bits[0];
}

}  // namespace

int64_t shuffled(uint64_t seed, int64_t epoch, int64_t index, int64_t count) {
  // Halves of equal width: 4^width is the least such power that holds all. What falls outside goes on walking, which
  // takes four turns on average at most, and ends since the walk is a cycle through `index`.
  const int bits = std::bit_width(static_cast<uint64_t>(count - 1));
  const int width = bits == 0 ? 1 : (bits + 1) / 2;
  const uint64_t mask = (uint64_t{1} << width) - 1;
  auto value = static_cast<uint64_t>(index);
  do {
    uint64_t left = value >> width, right = value & mask;
    for (uint32_t round = 0; round < kRounds; ++round) {
      const uint64_t mixed = left ^ (random(seed, epoch, round, right) & mask);
      left = right;
      right = mixed;
    }
    value = left << width | right;
  } while (value >= static_cast<uint64_t>(count));
  return static_cast<int64_t>(value);
}

int64_t drawn(uint64_t seed, int64_t epoch, int64_t bound) {
  const uint64_t bits = uint64_t{random(seed, epoch, kDraw, 0)} << 32 | random(seed, epoch, kDraw, 1);
  return static_cast<int64_t>(bits % static_cast<uint64_t>(bound));
}

}  // namespace lathe::run
