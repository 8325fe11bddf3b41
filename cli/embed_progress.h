// How far lathe embed is and how fast, on a terminal.
#pragma once

#include <cstdint>

#include "progress.h"

namespace lathe::cli {

class EmbedProgress {
 public:
  // `total` is what `done` counts up to; 0: nobody knows.
  EmbedProgress(int64_t total, bool quiet);

  void add(int64_t tokens, int64_t done);  // one text
  void clear() { progress_.clear(); }
  // What it was in all, where anything was shown on the way.
  void finish();

 private:
  void show(int64_t now_ns);

  Progress progress_;
  const int64_t total_;
  const bool shows_;
  const int64_t began_ns_;
  int64_t shown_ns_ = 0, last_ns_ = 0;  // when the line was drawn, and when the last text came
  int64_t texts_ = 0, tokens_ = 0, done_ = 0;
};

}  // namespace lathe::cli
