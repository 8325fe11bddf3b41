// Where the time of passes goes, by name of op, with nothing left out: every nanosecond between begin() and end() is in
// an entry or in unaccounted_ns(). Written by one thread; nothing is allocated.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace lathe::ops {

class Profile {
 public:
  struct Entry {
    const char* name = nullptr;
    int64_t calls = 0, ns = 0;  // wall time, with the wait for the other workers
    double flops = 0;
  };

  void begin();
  // The time since the last mark, or since begin(), was spent on `name`.
  void mark(const char* name);
  void wait();  // as mark, on what was marked last: the barrier behind an op is part of it
  void count(const char* name, double flops);
  void end();

  std::span<const Entry> entries() const { return std::span(entries_).first(static_cast<size_t>(used_)); }
  int64_t passes() const { return passes_; }
  int64_t total_ns() const { return total_; }
  int64_t unaccounted_ns() const;

 private:
  Entry& entry(const char* name);
  int64_t since_last();

  // A pass is a dozen names, a training step three dozen; the last entry takes what is above.
  std::array<Entry, 48> entries_{};
  int used_ = 0, last_ = 0;
  int64_t begun_ = 0, stamp_ = 0, total_ = 0, passes_ = 0;
};

}  // namespace lathe::ops
