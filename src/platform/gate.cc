#include "platform/gate.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <climits>

#include "platform/clock.h"

namespace lathe {
namespace {

constexpr uint32_t kParked = 1;

// Sleeps while the word holds `expected`. May return early for no reason: every caller looks again.
void futex_wait(std::atomic<uint32_t>& word, uint32_t expected) noexcept {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}

void futex_wake_all(std::atomic<uint32_t>& word) noexcept {
  syscall(SYS_futex, reinterpret_cast<uint32_t*>(&word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}
static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t) && std::atomic<uint32_t>::is_always_lock_free);

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb" ::: "memory");  // yield is a no-op on most Arm cores; isb waits some tens of cycles
#endif
}

// Waits until passed(word) without giving up the CPU, for about spin_ns; returns the last word seen.
template <class Passed>
uint32_t spin(const std::atomic<uint32_t>& word, int64_t spin_ns, Passed passed) noexcept {
  // A clock read costs about as much as a pause or two; one per 32 pauses (about a microsecond) is lost in the noise.
  constexpr int kPausesPerClock = 32;
  uint32_t value = word.load(std::memory_order_acquire);
  for (int64_t start = 0; !passed(value) && spin_ns > 0;) {
    for (int i = 0; i < kPausesPerClock && !passed(value); ++i) {
      relax();
      value = word.load(std::memory_order_acquire);
    }
    if (passed(value)) break;
    const int64_t now = now_ns();
    if (start == 0) start = now;
    if (now - start >= spin_ns) break;
  }
  return value;
}

template <class Passed>
void spin_then_park(std::atomic<uint32_t>& word, int64_t spin_ns, Passed passed) noexcept {
  uint32_t value = spin(word, spin_ns, passed);
  while (!passed(value)) {
    // The bit goes in by compare-and-swap: a release that came between leaves a new value, and nobody sleeps on it.
    if ((value & kParked) == 0 &&
        !word.compare_exchange_weak(value, value | kParked, std::memory_order_acquire, std::memory_order_acquire))
      continue;
    futex_wait(word, value | kParked);
    value = word.load(std::memory_order_acquire);
  }
}

}  // namespace

void Gate::advance() noexcept {
  const uint32_t next = (generation() + 1) << 1;
  if ((word_.exchange(next, std::memory_order_acq_rel) & kParked) != 0) futex_wake_all(word_);
}

void Gate::wait(uint32_t seen, int64_t spin_ns) noexcept {
  spin_then_park(word_, spin_ns, [seen](uint32_t word) { return word >> 1 != seen; });
}

void Countdown::leave() noexcept {
  if (word_.fetch_sub(2, std::memory_order_acq_rel) == (2 | kParked)) futex_wake_all(word_);
}

void Countdown::wait(int64_t spin_ns) noexcept {
  spin_then_park(word_, spin_ns, [](uint32_t word) { return word >> 1 == 0; });
}

}  // namespace lathe
