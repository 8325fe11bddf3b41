// A training run as it is watched: on a terminal lines for what matters, and under them a bar, figures and a curve of
// the loss that are drawn again and again; elsewhere plain lines.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "run/train_event.h"

namespace lathe::cli {

class TrainDisplay {
 public:
  // Lines of steps come every `every` steps (0: about twenty in all) where nothing is drawn.
  TrainDisplay(int64_t first, int64_t steps, int64_t every, bool quiet);
  ~TrainDisplay();
  TrainDisplay(const TrainDisplay&) = delete;
  TrainDisplay& operator=(const TrainDisplay&) = delete;

  void add(const run::TrainEvent& event);
  void idle();   // draws what has changed, at most ten times a second
  void clear();  // removes what is drawn

 private:
  void print(const std::string& line);
  void draw();
  std::string figures() const;

  const int64_t first_, steps_, every_;
  const bool quiet_, live_;  // live: standard output and standard error are terminals
  const int64_t began_ns_;
  run::TrainEvent last_{};
  double validation_ = 0;
  std::vector<double> losses_;
  size_t drawn_lines_ = 0;
  int64_t drawn_ns_ = 0;
  bool changed_ = false;
};

}  // namespace lathe::cli
