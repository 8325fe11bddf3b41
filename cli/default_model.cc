#include "default_model.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <utility>

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

void say_shipped_encoder(const char* why) {
  fmt::print(stderr,
             "lathe: {}, so the model that comes with lathe is used: two million weights that have learned from the "
             "dictionary WordNet, enough to show how it works\n",
             why);
}

bool is_shipped_encoder(const std::string& model) {
  const auto shipped = shipped_model(kDefaultEncoder);
  std::error_code ignored;
  return shipped && std::filesystem::equivalent(*shipped, model, ignored);
}

Status or_shipped_encoder(std::string& model) {
  if (!model.empty()) return {};
  auto shipped = shipped_model(kDefaultEncoder);
  if (!shipped) return shipped.status();
  model = std::move(*shipped);
  say_shipped_encoder("no -m");
  return {};
}

}  // namespace lathe::cli
