// Ctrl-C that stops an answer, and not the program.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

namespace lathe::cli {

// While it lives, SIGINT calls `stop` from a thread of its own; then the signal means again what it meant before. One
// at a time.
class AnswerInterrupt {
 public:
  explicit AnswerInterrupt(std::function<void()> stop);
  AnswerInterrupt(const AnswerInterrupt&) = delete;
  AnswerInterrupt& operator=(const AnswerInterrupt&) = delete;
  ~AnswerInterrupt();

 private:
  struct Before;  // what the signal meant
  std::unique_ptr<Before> before_;
  std::atomic<bool> done_{false};
  std::thread waiter_;
};

}  // namespace lathe::cli
