// The running program.
#pragma once

#include <string>

#include "lathe/status.h"

namespace lathe {

// Its path, links resolved.
Result<std::string> executable_path();
// The first 16 digits of the build id that the linker wrote into it: equal ids, equal binaries. Empty where there is
// none.
std::string build_id();
// The name space of the numbers of processes that it runs in; empty where the system does not tell.
std::string process_namespace();

}  // namespace lathe
