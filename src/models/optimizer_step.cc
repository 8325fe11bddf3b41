#include "models/optimizer_step.h"

#include <cmath>

namespace lathe::models {

double OptimizerStep::run(const AdamW& s, int64_t number, std::span<double> sums) const {
  const ops::AdamWStep step = ops::adamw_step(s.rate, s.beta1, s.beta2, s.eps, s.decay, s.clip, number);
  double found = 0;
  if (profile != nullptr) profile->begin();
  team.run([&](Team::Worker& worker) {
    ops::TrainExecutor x(worker, profile);
    x.run("optimizer norm",
          [&](Team::Worker& w) { ops::sum_squares(w, *kernels.optimizer, pieces, arrays.g, sums, 0); });
    x.sync();
    const double norm = ops::gradient_norm(sums);
    if (worker.id() == 0) found = norm;
    if (!std::isfinite(norm)) return;
    x.run("optimizer adamw",
          [&](Team::Worker& w) { ops::apply_adamw(w, *kernels.optimizer, pieces, arrays, step, norm, 1); });
    x.sync();
  });
  if (profile != nullptr) profile->end();
  return found;
}

}  // namespace lathe::models
