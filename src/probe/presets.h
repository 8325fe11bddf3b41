// The products of known models, by name.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "probe/probe.h"

namespace lathe::probe {

struct Preset {
  std::string_view name;
  std::string_view what;  // one line for people
};

// "models" (everything), the groups it consists of, and "quick".
std::span<const Preset> presets();
// The error lists every known name.
Result<std::vector<Shape>> preset(std::string_view name);

}  // namespace lathe::probe
