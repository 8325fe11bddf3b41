// AVX-VNNI carried out in software on a CPU without it, for tests: linking the trap is enough.
#pragma once

#include <cstdint>

namespace lathe {

bool cpu_has_avx_vnni();
// Instructions carried out so far, in this process.
int64_t avx_vnni_traps();

}  // namespace lathe
