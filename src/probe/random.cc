#include "probe/random.h"

namespace lathe::probe {

void fill_uniform(Team& team, uint64_t seed, int64_t count, float* out) {
  team.run([&](Team::Worker& worker) {
    const int64_t begin = count * worker.id() / worker.count(), end = count * (worker.id() + 1) / worker.count();
    for (int64_t i = begin; i < end; ++i) out[i] = random_float(seed, i);
  });
}

}  // namespace lathe::probe
