#include "platform/gate.h"

#include "platform/affinity.h"
#include "platform/clock.h"
#include "platform/park.h"

namespace lathe {
namespace {

constexpr uint32_t kParked = 1;

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");  // yield is a no-op on most Arm cores; isb waits some tens of cycles
#endif
}

// Whether the CPU that this thread holds is where somebody it waits for was last.
bool in_the_way(const Spin& spin) noexcept {
  const int cpu = current_cpu();
  if (cpu < 0) return false;
  for (const Place* place : spin.team) {
    const uint32_t waits_for = place->waits_for.load(std::memory_order_relaxed);
    if (waits_for != spin.waits_for && waits_for != Place::kIdle && place->cpu.load(std::memory_order_relaxed) == cpu)
      return true;
  }
  return false;
}

// Waits until passed(word) without giving up the CPU; returns the last word seen.
template <class Passed>
uint32_t spin_on(const std::atomic<uint32_t>& word, const Spin& spin, Passed passed) noexcept {
  // A clock read costs about as much as a pause or two; one per 32 pauses (about a microsecond) is lost in the noise.
  constexpr int kPausesPerRound = 32;
  uint32_t value = word.load(std::memory_order_acquire);
  int64_t end = 0;
  for (uint32_t round = 0; !passed(value); ++round) {
    for (int i = 0; i < kPausesPerRound; ++i) {
      relax();
      value = word.load(std::memory_order_acquire);
      if (passed(value)) return value;
    }
    const int64_t now = now_ns();
    if (end == 0) end = now + spin.nanoseconds;
    if (now >= end) return value;
    // Looked at ever less often: the places are other threads' cache lines.
    if ((round & (round + 1)) == 0 && in_the_way(spin)) return value;
  }
  return value;
}

template <class Passed>
bool spin_then_park(std::atomic<uint32_t>& word, const Spin& spin, Passed passed) noexcept {
  uint32_t value = spin_on(word, spin, passed);
  if (passed(value)) return false;
  while (!passed(value)) {
    // The bit goes in by compare-and-swap: a release that came between leaves a new value, and nobody sleeps on it.
    if ((value & kParked) == 0 &&
        !word.compare_exchange_weak(value, value | kParked, std::memory_order_acquire, std::memory_order_acquire))
      continue;
    park(word, value | kParked);
    value = word.load(std::memory_order_acquire);
  }
  return true;
}

}  // namespace

void Place::tell(uint32_t what) noexcept {
  cpu.store(current_cpu(), std::memory_order_relaxed);
  waits_for.store(what, std::memory_order_relaxed);
}

void Gate::advance() noexcept {
  const uint32_t next = (generation() + 1) << 1;
  if ((word_.exchange(next, std::memory_order_acq_rel) & kParked) != 0) unpark_all(word_);
}

bool Gate::wait(uint32_t seen, const Spin& spin) noexcept {
  return spin_then_park(word_, spin, [seen](uint32_t word) { return word >> 1 != seen; });
}

void Countdown::leave() noexcept {
  if (word_.fetch_sub(2, std::memory_order_acq_rel) == (2 | kParked)) unpark_all(word_);
}

bool Countdown::wait(const Spin& spin) noexcept {
  return spin_then_park(word_, spin, [](uint32_t word) { return word >> 1 == 0; });
}

}  // namespace lathe
