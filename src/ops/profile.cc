#include "ops/profile.h"

#include <algorithm>
#include <string_view>

#include "platform/clock.h"

namespace lathe::ops {

Profile::Entry& Profile::entry(const char* name) {
  const auto known = entries();
  const auto found = std::ranges::find_if(known, [&](const Entry& e) { return std::string_view(e.name) == name; });
  last_ = static_cast<int>(found - known.begin());
  if (found == known.end()) {
    if (used_ == static_cast<int>(entries_.size())) {
      last_ = used_ - 1;
      entries_.back().name = "other";
    } else {
      entries_[static_cast<size_t>(used_++)].name = name;
    }
  }
  return entries_[static_cast<size_t>(last_)];
}

int64_t Profile::since_last() {
  const int64_t now = now_ns();
  const int64_t elapsed = now - stamp_;
  stamp_ = now;
  return elapsed;
}

void Profile::begin() { begun_ = stamp_ = now_ns(); }

void Profile::mark(const char* name) {
  const int64_t elapsed = since_last();
  Entry& e = entry(name);
  e.ns += elapsed;
  ++e.calls;
}

void Profile::wait() { entries_[static_cast<size_t>(last_)].ns += since_last(); }

void Profile::count(const char* name, double flops) { entry(name).flops += flops; }

void Profile::end() {
  total_ += now_ns() - begun_;
  ++passes_;
}

int64_t Profile::unaccounted_ns() const {
  int64_t known = 0;
  for (const Entry& e : entries()) known += e.ns;
  return total_ - known;
}

}  // namespace lathe::ops
