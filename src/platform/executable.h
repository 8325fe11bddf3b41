// Where the running program lies.
#pragma once

#include <string>

#include "lathe/status.h"

namespace lathe {

// Its path, links resolved.
Result<std::string> executable_path();

}  // namespace lathe
