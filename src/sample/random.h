// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): random bits as a function of a
// seed and a counter, so that draw i of a seed is the same on every machine and in any order.
#pragma once

#include <array>
#include <cstdint>

namespace lathe::sample {

constexpr std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0], b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
  }
  return counter;
}

constexpr uint64_t random_bits(uint64_t seed, uint64_t draw) {
  const auto words = philox({static_cast<uint32_t>(draw), static_cast<uint32_t>(draw >> 32), 0, 0},
                            {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  return uint64_t{words[1]} << 32 | words[0];
}

// So much of `whole` as `fraction` is of 2^64, rounded down.
constexpr uint64_t share_of(uint64_t fraction, uint64_t whole) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(static_cast<Wide>(fraction) * whole >> 64);
}

// A number below `bound`. Each comes up with a probability that is 1/bound to within 2^-64.
constexpr uint64_t random_below(uint64_t seed, uint64_t draw, uint64_t bound) {
  return share_of(random_bits(seed, draw), bound);
}

}  // namespace lathe::sample
