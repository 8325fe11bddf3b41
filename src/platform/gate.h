// What the team waits on. Both words carry a "somebody is parked" bit beside their value, so that releasing a waiter
// is one exchange and costs a system call only where there is someone to wake; there is no second flag to race with.
#pragma once

#include <atomic>
#include <cstdint>

namespace lathe {

constexpr int kCacheLine = 64;

// A generation that one thread advances and others wait to see pass.
class alignas(kCacheLine) Gate {
 public:
  uint32_t generation() const noexcept { return word_.load(std::memory_order_relaxed) >> 1; }
  // Everything written before is visible to whoever returns from wait(). One thread at a time may call it.
  void advance() noexcept;
  // Returns when the generation is no longer `seen`: spins for about spin_ns, then parks in the kernel.
  void wait(uint32_t seen, int64_t spin_ns) noexcept;

 private:
  std::atomic<uint32_t> word_{0};  // generation * 2 + parked
};

// A number of threads still at work, and one thread that waits for none.
class alignas(kCacheLine) Countdown {
 public:
  void start(uint32_t count) noexcept { word_.store(count * 2, std::memory_order_relaxed); }
  void leave() noexcept;
  void wait(int64_t spin_ns) noexcept;

 private:
  std::atomic<uint32_t> word_{0};  // count * 2 + parked
};

}  // namespace lathe
