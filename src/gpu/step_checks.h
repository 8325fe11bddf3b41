// What recording a dispatch of the step table takes: operands checked, arguments pushed.
#pragma once

#include <fmt/format.h>

#include <span>

#include "base/checked.h"
#include "gpu/step_ops.h"

namespace lathe::gpu {

// The first complaint of several checks.
class Checks {
 public:
  void place(const char* name, const Place& p, int64_t bytes, int64_t alignment = 4) {
    if (status_.ok()) status_ = check_place(name, p, bytes, alignment);
  }
  // Rows of n floats, `row` floats apart: shaders count them in 32 bits.
  void rows(const char* name, const Place& p, int64_t rows, int64_t row, int64_t n) {
    if (!status_.ok()) return;
    const auto before = checked_mul(rows - 1, row);
    if (!before || *before > UINT32_MAX - n)
      status_ = invalid_argument(
          fmt::format("{} has {} rows of {} floats, needed: at most 4294967295 floats", name, rows, row));
    else
      place(name, p, (*before + n) * 4);
  }
  void size(const char* name, int64_t value, int64_t least, int64_t most = INT32_MAX) {
    if (status_.ok() && (value < least || value > most))
      status_ = invalid_argument(fmt::format("{} is {}, needed: {} to {}", name, value, least, most));
  }
  void choice(const ChoiceArgs& a, int64_t most_texts) {
    size("texts", a.texts, 1, most_texts);
    size("n", a.n, 1);
    size("the distance of rows of x", a.x_row, a.n);
    rows("x", a.x, a.texts, a.x_row, a.n);
    place("the ids", a.ids, a.texts * 4);
    place("the positions", a.positions, a.texts * 4);
  }
  const Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }

 private:
  Status status_;
};

template <class Push>
void dispatch(Recording& recording, const Pipeline& pipeline, const Push& push, Groups groups) {
  static_assert(sizeof(Push) <= kPushBytes && sizeof(Push) % 4 == 0);
  recording.dispatch(pipeline, std::as_bytes(std::span(&push, 1)), groups);
}

inline uint32_t u32(int64_t value) { return static_cast<uint32_t>(value); }

}  // namespace lathe::gpu
