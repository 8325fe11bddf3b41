#include "default_model.h"

#include <fmt/format.h>

#include <filesystem>

#include "platform/executable.h"

namespace lathe::cli {

Result<std::string> shipped_model(std::string_view file) {
  const auto program = executable_path();
  if (!program) return program.status();
  const auto folder = std::filesystem::path(*program).parent_path();
  for (const auto& place : {folder.parent_path() / "share" / "lathe" / file, folder / "share" / "lathe" / file}) {
    std::error_code ignored;
    if (std::filesystem::is_regular_file(place, ignored)) return place.string();
  }
  return not_found(
      fmt::format("--model is not given, and {}, which comes with lathe, is not in share/lathe beside {}; "
                  "needed: -m with a model's folder, file or name",
                  file, *program));
}

}  // namespace lathe::cli
