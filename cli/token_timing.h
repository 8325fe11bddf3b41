// How fast an answer comes.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace lathe::cli {

// Begins to count where it is made.
class TokenTiming {
 public:
  void token() {
    if (tokens_++ == 0) first_ = Clock::now();
  }
  int64_t tokens() const { return tokens_; }

  // One line about the answer to a prompt of so many tokens, of which some were cached; empty where no token came.
  std::string line(int64_t prompt, int64_t cached = 0) const {
    if (tokens_ == 0) return "";
    const double before = seconds(start_, first_), after = seconds(first_, Clock::now());
    std::string text = fmt::format("prompt: {} tokens", prompt);
    if (cached > 0) text += fmt::format(" ({} cached)", cached);
    text += fmt::format(", {:.2f} s to the first token", before);
    if (tokens_ > 1 && after > 0)
      text += fmt::format("; answer: {} tokens, {:.1f} tokens/s", tokens_, static_cast<double>(tokens_ - 1) / after);
    return text;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  }
  Clock::time_point start_ = Clock::now(), first_;
  int64_t tokens_ = 0;
};

}  // namespace lathe::cli
