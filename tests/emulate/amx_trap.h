// AMX carried out in software on a CPU without it, for tests: linking the trap is enough.
#pragma once

#include <cstdint>

namespace lathe {

bool cpu_has_amx();
// Instructions carried out so far, in this process.
int64_t amx_traps();

}  // namespace lathe
