// What the team waits on. Both words carry a "somebody is parked" bit beside their value, so that releasing a waiter
// is one exchange and costs a system call only where there is someone to wake; there is no second flag to race with.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

namespace lathe {

constexpr int kCacheLine = 64;

// What a thread tells those who may wait for it: the CPU that it was on last, and what it waited for last itself.
struct Place {
  // Besides these, the generation of the barrier (31 bits) that it waits, or waited, to see pass.
  static constexpr uint32_t kIdle = 1u << 31, kJoining = kIdle + 1, kWorking = kIdle + 2;
  std::atomic<int> cpu{-1};
  std::atomic<uint32_t> waits_for{kWorking};

  void tell(uint32_t what) noexcept;
};

// How to spin: for about `nanoseconds`, but no longer than a microsecond where the CPU that the spinning holds is
// needed by somebody in the team who does not wait for the same. Two workers that a busy neighbour has driven onto one
// CPU would else spin each other out in turn, at two full spins a barrier.
struct Spin {
  int64_t nanoseconds = 0;
  uint32_t waits_for = Place::kIdle;
  std::span<const Place* const> team;
};

// A generation that one thread advances and others wait to see pass.
class Gate {
 public:
  uint32_t generation() const noexcept { return word_.load(std::memory_order_relaxed) >> 1; }
  // Everything written before is visible to whoever returns from wait(). One thread at a time may call it.
  void advance() noexcept;
  // Returns when the generation is no longer `seen`: spins, then parks in the kernel. True where it parked, after
  // which the thread may be on another CPU.
  bool wait(uint32_t seen, const Spin& spin) noexcept;

 private:
  std::atomic<uint32_t> word_{0};  // generation * 2 + parked
};

// A number of threads still at work, and one thread that waits for none.
class Countdown {
 public:
  void start(uint32_t count) noexcept { word_.store(count * 2, std::memory_order_relaxed); }
  void leave() noexcept;
  bool wait(const Spin& spin) noexcept;

 private:
  std::atomic<uint32_t> word_{0};  // count * 2 + parked
};

}  // namespace lathe
