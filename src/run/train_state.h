// How far a training run is: all that decides its next step beside weights, moments and settings.
#pragma once

#include <cstdint>

namespace lathe::run {

// A mean that forgets: sum and weight shrink by `keep` with each value, so that early ones are not pulled towards 0.
struct Smoothed {
  double sum = 0, weight = 0;
  void add(double value, double keep) {
    sum = keep * sum + (1 - keep) * value;
    weight = keep * weight + (1 - keep);
  }
  double value() const { return weight > 0 ? sum / weight : 0; }
};

struct TrainState {
  int64_t step = 0;      // steps made
  int64_t position = 0;  // windows or pairs taken, from the first epoch's first on
  Smoothed loss, validation;
  int64_t best_step = 0;  // of the least smoothed validation loss; 0: none yet
  double best = 0;        // that loss
};

}  // namespace lathe::run
