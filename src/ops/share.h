// The part of a count of rows that one worker takes: equal runs, in order.
#pragma once

#include <cstdint>

#include "platform/team.h"

namespace lathe::ops {

struct Share {
  int64_t begin, end;
  Share(const Team::Worker& worker, int64_t count)
      : begin(count * worker.id() / worker.count()), end(count * (worker.id() + 1) / worker.count()) {}
};

}  // namespace lathe::ops
