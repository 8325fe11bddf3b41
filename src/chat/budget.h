// What a rendering may use before it ends in a sentence: templates come with models from anywhere, and a template is a
// program.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "chat/value.h"

namespace lathe::chat {

// What is thrown inside this room for a template, or a use of one, that goes wrong. Template turns it into a Status.
struct Wrong {
  std::string what;
  int line = 0;
};

template <class... Args>
[[noreturn]] void wrong(fmt::format_string<Args...> format, Args&&... args) {
  throw Wrong{fmt::format(format, std::forward<Args>(args)...)};
}

struct Limits {
  int64_t steps = 5'000'000;        // expressions and statements; about half a second
  int64_t memory = 64 << 20;        // bytes of all values made on the way
  int64_t output = 16 << 20;        // bytes
  int depth = 100;                  // of calls of macros, of nested values that are compared or printed
  int64_t longest_range = 100'000;  // as Jinja's sandbox has it
};

// Owns what values lead to, and counts.
class Heap {
 public:
  explicit Heap(const Limits& limits) : limits_(limits), steps_left_(limits.steps), memory_left_(limits.memory) {}
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  const Limits& limits() const { return limits_; }
  void step(int64_t count = 1) {
    if ((steps_left_ -= count) < 0) wrong("took more than {} steps, which is the limit (does it loop?)", limits_.steps);
  }
  // Work on `bytes` bytes is a step for each 64.
  void step_over(size_t bytes) { step(static_cast<int64_t>(bytes / 64)); }

  Value text(std::string made) {
    charge(made.size() + sizeof(std::string));
    return Value::of(&texts_.emplace_back(std::move(made)));
  }
  Value list(std::vector<Value> items = {}, Type type = Type::list) {
    charge((items.size() + 2) * sizeof(Value));
    return Value::of(&lists_.emplace_back(List{std::move(items)}), type);
  }
  Value dict(Type type = Type::dict) {
    charge(sizeof(Dict));
    return Value::of(&dicts_.emplace_back(), type);
  }
  Value method(const Value& self, std::string_view name) {
    charge(sizeof(Method));
    return Value::of(&methods_.emplace_back(Method{self, name}));
  }
  Loop& loop() {
    charge(sizeof(Loop));
    return loops_.emplace_back();
  }
  // Before memory is taken for what is about to be made.
  void charge(size_t bytes) {
    if ((memory_left_ -= static_cast<int64_t>(bytes)) < 0)
      wrong("made values of more than {} bytes, which is the limit (does it loop?)", limits_.memory);
  }

 private:
  Limits limits_;
  int64_t steps_left_, memory_left_;
  std::deque<std::string> texts_;
  std::deque<List> lists_;
  std::deque<Dict> dicts_;
  std::deque<Method> methods_;
  std::deque<Loop> loops_;
};

}  // namespace lathe::chat
