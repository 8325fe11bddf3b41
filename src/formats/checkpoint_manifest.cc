#include "formats/checkpoint_manifest.h"

#include <algorithm>
#include <unordered_set>

#include "base/bounded_json.h"
#include "base/shown.h"

namespace lathe {
namespace {

constexpr int64_t kVersion = 1;

Status wrong(std::string_view file, const std::string& field, const std::string& found, const std::string& needed) {
  return corrupt(std::string(file) + ": " + field + " is " + found + ", needed: " + needed);
}

bool plain(std::string_view name) {
  return !name.empty() && name.size() <= 96 && name[0] != '.' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

// A file of the folder, or of a folder in it.
bool plain_name(std::string_view name) {
  const size_t slash = name.find('/');
  return slash == name.npos ? plain(name) : plain(name.substr(0, slash)) && plain(name.substr(slash + 1));
}

bool is_digest(std::string_view text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<ManifestEntry> entry_of(const nlohmann::json& json, std::string_view file) {
  if (!json.is_object()) return wrong(file, "an entry of files", "no object", "an object");
  const auto name = json.find("name"), bytes = json.find("bytes"), sha256 = json.find("sha256");
  if (name == json.end() || !name->is_string() || !plain_name(name->get_ref<const std::string&>()))
    return wrong(file, "the name of a file", "none",
                 "letters, digits, '.', '_' and '-', 96 at most, one '/' between two of them");
  const auto& text = name->get_ref<const std::string&>();
  if (bytes == json.end() || !bytes->is_number_unsigned() || bytes->get<uint64_t>() > INT64_MAX)
    return wrong(file, "the length of " + shown(text), "no such number", "0 to 2^63 - 1");
  if (sha256 == json.end() || !sha256->is_string() || !is_digest(sha256->get_ref<const std::string&>()))
    return wrong(file, "the SHA-256 of " + shown(text), "none", "64 hexadecimal digits");
  return ManifestEntry{text, bytes->get<int64_t>(), sha256->get<std::string>()};
}

}  // namespace

std::string manifest_text(const std::vector<ManifestEntry>& entries) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const ManifestEntry& entry : entries)
    files.push_back({{"name", entry.name}, {"bytes", entry.bytes}, {"sha256", entry.sha256}});
  return nlohmann::ordered_json{{"version", kVersion}, {"files", std::move(files)}}.dump(1) + "\n";
}

Result<std::vector<ManifestEntry>> parse_manifest(std::string_view text, std::string_view file) {
  const auto json = parse_json(text, file, {.depth = 4, .token = 1 << 16, .values = 20'000});
  if (!json) return json.status();
  if (!json->is_object()) return wrong(file, "the manifest", "no object", "an object");
  const auto version = json->find("version");
  if (version == json->end() || *version != kVersion)
    return wrong(file, "version", version == json->end() ? "absent" : shown(version->dump()), std::to_string(kVersion));
  const auto files = json->find("files");
  if (files == json->end() || !files->is_array()) return wrong(file, "files", "no list", "a list");
  std::vector<ManifestEntry> entries;
  std::unordered_set<std::string> names;
  for (const nlohmann::json& one : *files) {
    auto entry = entry_of(one, file);
    if (!entry) return entry.status();
    if (!names.insert(entry->name).second) return wrong(file, "the file " + shown(entry->name), "there twice", "once");
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace lathe
