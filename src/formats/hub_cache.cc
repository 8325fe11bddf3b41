// The cache that huggingface_hub keeps: hub/models--org--name/refs/main names a revision, and snapshots/<revision> has
// its files.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/shown.h"
#include "formats/model_files.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLongestRef = 256;

// Of letters, digits, '.', '-' and '_', and not a way out of a folder.
bool is_plain(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
  };
  return !name.empty() && name.size() <= 96 && name.front() != '.' && std::ranges::all_of(name, allowed);
}

}  // namespace

std::string hub_folder(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == name.npos) return is_plain(name) ? fmt::format("models--{}", name) : "";
  const std::string_view organisation = name.substr(0, slash), rest = name.substr(slash + 1);
  return is_plain(organisation) && is_plain(rest) ? fmt::format("models--{}--{}", organisation, rest) : "";
}

Result<std::string> hub_snapshot(std::string_view name, const std::string& hub) {
  const std::string folder = hub_folder(name);
  if (folder.empty())
    return not_found(
        fmt::format("{}: there is no such file or folder, needed: a path, or a Hugging Face name as in "
                    "organisation/name",
                    shown(name)));
  if (hub.empty())
    return not_found(
        fmt::format("{}: there is no such file or folder, and no Hugging Face cache to look in; needed: "
                    "a path, or the cache's place",
                    shown(name)));
  const fs::path root = fs::path(hub) / folder, ref = root / "refs" / "main";
  auto revision = read_file(ref, kLongestRef);
  if (revision.status().code() == Code::not_found)
    return not_found(
        fmt::format("{}: there is no such file or folder, and the Hugging Face cache does not have it either: "
                    "looked for {}",
                    shown(name), ref.string()));
  if (!revision) return revision.status();
  while (!revision->empty() && (revision->back() == '\n' || revision->back() == '\r')) revision->pop_back();
  if (!is_plain(*revision))
    return corrupt(fmt::format("{}: holds {}, needed: a revision", ref.string(), shown(*revision)));
  const fs::path snapshot = root / "snapshots" / *revision;
  std::error_code error;
  if (fs::is_directory(snapshot, error)) return snapshot.string();
  return not_found(fmt::format("{}: names revision {}, whose folder {} is not there; needed: a complete download",
                               ref.string(), *revision, snapshot.string()));
}

}  // namespace lathe
