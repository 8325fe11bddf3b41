// How far a long command is, on one line of stderr, and only where that is a terminal.
#pragma once

#include <cstdint>
#include <string_view>

namespace lathe::cli {

class Progress {
 public:
  Progress();
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(int64_t done, int64_t total, std::string_view what);
  // The same for bytes, as MB with their rate. `done` may begin above 0: the rate is that of what came since. Drawn at
  // most ten times a second, but for the end.
  void show_bytes(int64_t done, int64_t total, std::string_view what);
  void clear();  // leaves the line empty

 private:
  void draw(int64_t done, int64_t total, std::string_view counts, std::string_view what);

  bool terminal_;
  int64_t began_ns_;
  int64_t first_done_ = -1, drawn_ns_ = 0;  // of show_bytes
};

}  // namespace lathe::cli
