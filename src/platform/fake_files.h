// A file system for tests: path and content.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "platform/machine_detect.h"

namespace lathe {

using FakeFiles = std::map<std::string, std::string>;

inline ReadFile reader(FakeFiles files) {
  return [files = std::move(files)](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    return found == files.end() ? std::nullopt : std::optional(found->second);
  };
}

}  // namespace lathe
