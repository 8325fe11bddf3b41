#include "ops/team_executor.h"

namespace lathe::ops {

CpuKernels CpuKernels::best() { return {&norm::best(cpu_features()), &attention::best(cpu_features())}; }

}  // namespace lathe::ops
