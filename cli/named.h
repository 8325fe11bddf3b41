// An option's word and what it stands for.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "base/shown.h"
#include "lathe/status.h"

namespace lathe::cli {

// The value that `known` has under `name`; an error names the option, what was found, and every word of `known`.
template <class Value, size_t count>
Result<Value> named(const std::string& name, const char* option,
                    const std::pair<std::string_view, Value> (&known)[count]) {
  std::string names;
  for (const auto& [label, value] : known) {
    if (label == name) return value;
    names += (names.empty() ? "" : ", ") + std::string(label);
  }
  return invalid_argument(std::string(option) + " is " + shown(name) + ", needed: one of " + names);
}

}  // namespace lathe::cli
