// The part of a count of rows or columns that one worker takes: equal runs, in order.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/checked.h"
#include "platform/team.h"

namespace lathe::ops {

struct Share {
  int64_t begin, end;
  Share(const Team::Worker& worker, int64_t count)
      : begin(count * worker.id() / worker.count()), end(count * (worker.id() + 1) / worker.count()) {}
};

// Columns in runs of 16, so that two workers share no line of an aligned row.
struct ColumnShare {
  int64_t begin, end;
  ColumnShare(const Team::Worker& worker, int64_t columns) {
    constexpr int64_t kLine = 16;
    const Share lines(worker, ceil_div(columns, kLine));
    begin = std::min(columns, lines.begin * kLine);
    end = std::min(columns, lines.end * kLine);
  }
};

}  // namespace lathe::ops
