// What is left where no other table runs: 128-bit vectors of the compiler, which every 64-bit machine has.
#include <cstring>

#include "tune/ceiling_loops.h"

namespace lathe::tune {
namespace {

using F4 = float __attribute__((vector_size(16)));
using I4 = uint32_t __attribute__((vector_size(16)));  // unsigned: it wraps
using U2 = uint64_t __attribute__((vector_size(16)));

// Pins a value in a vector register at this point, so that no iteration can be folded into another.
#if defined(__x86_64__)
#define LATHE_PIN(v) asm volatile("" : "+x"(v))
#elif defined(__aarch64__)
#define LATHE_PIN(v) asm volatile("" : "+w"(v))
#else
#define LATHE_PIN(v) asm volatile("" : "+m"(v))
#endif

template <class V>
void multiply_add(int64_t rounds, V x, V y) noexcept {
  V a0{}, a1{}, a2{}, a3{}, a4{}, a5{}, a6{}, a7{}, a8{}, a9{}, a10{}, a11{};
  const auto step = [&](V& a) {
    a = a * x + y;
    LATHE_PIN(a);
  };
  for (int64_t i = 0; i < rounds; ++i) {
    step(a0), step(a1), step(a2), step(a3), step(a4), step(a5);
    step(a6), step(a7), step(a8), step(a9), step(a10), step(a11);
  }
}
#undef LATHE_PIN

void fma(int64_t rounds) noexcept { multiply_add(rounds, F4{0.5f, 0.5f, 0.5f, 0.5f}, F4{1.f, 2.f, 3.f, 4.f}); }
void mac(int64_t rounds) noexcept { multiply_add(rounds, I4{3, 3, 3, 3}, I4{1, 2, 3, 4}); }

uint64_t read(const std::byte* data, int64_t bytes) noexcept {
  U2 sum[4] = {};
  for (int64_t i = 0; i < bytes; i += 64)
    for (int lane = 0; lane < 4; ++lane) {
      U2 v;
      std::memcpy(&v, data + i + lane * 16, sizeof v);
      sum[lane] ^= v;
    }
  const U2 all = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
  return all[0] ^ all[1];
}

}  // namespace

extern const CeilingLoops ceiling_table_scalar;
const CeilingLoops ceiling_table_scalar = {Isa::scalar, fma, 12 * 4 * 2, mac, 12 * 4 * 2, mac, 12 * 4 * 2, {read}};

}  // namespace lathe::tune
