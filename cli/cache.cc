// lathe cache: the packed weights that are kept from one start to the next.
#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cache_path.h"
#include "commands.h"
#include "run/cache_folder.h"

namespace lathe::cli {
namespace {

struct Options {
  std::string folder;
  bool json = false;
};

Result<run::CacheFolder> folder_of(const Options& options) {
  const std::string path = options.folder.empty() ? default_cache_path() : options.folder;
  if (path.empty())
    return not_found("there is no cache: neither XDG_CACHE_HOME nor HOME is an absolute path, needed: one, or --cache");
  return run::CacheFolder(path);
}

std::string size_text(int64_t bytes) {
  if (bytes < 10 << 20) return fmt::format("{:.1f} KiB", static_cast<double>(bytes) / 1024);
  if (bytes < int64_t{10} << 30) return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / 0x1p20);
  return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / 0x1p30);
}

std::string time_text(int64_t ns) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(ns / 1'000'000'000)));
}

std::string model_text(const run::CacheFolder::Entry& entry) {
  if (!entry.status.ok()) return "(not usable: " + entry.status.message() + ")";
  std::string text = entry.model;  // a file's text, fit for a terminal
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

nlohmann::ordered_json to_json(const run::CacheFolder::Entry& entry) {
  nlohmann::ordered_json json = {{"file", entry.path}, {"bytes", entry.bytes}};
  json["last_used"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(entry.last_used_ns / 1'000'000'000));
  if (entry.status.ok()) {
    json["model"] = entry.model;
    json["type"] = entry.stored;
  } else {
    json["error"] = entry.status.message();
  }
  return json;
}

Status list(const Options& options) {
  const auto folder = folder_of(options);
  if (!folder) return folder.status();
  const auto entries = folder->list();
  if (options.json) {
    auto all = nlohmann::ordered_json::array();
    for (const auto& entry : entries) all.push_back(to_json(entry));
    fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return {};
  }
  int64_t bytes = 0;
  for (const auto& entry : entries) {
    fmt::print("{:<6} {:>10}  {}  {}\n", entry.stored, size_text(entry.bytes), time_text(entry.last_used_ns),
               model_text(entry));
    bytes += entry.bytes;
  }
  fmt::print("{} in {} file{} of {}\n", size_text(bytes), entries.size(), entries.size() == 1 ? "" : "s",
             folder->path());
  return {};
}

Status clear(const Options& options) {
  const auto folder = folder_of(options);
  if (!folder) return folder.status();
  const auto bytes = folder->clear();
  if (!bytes) return bytes.status();
  fmt::print("{} of packed weights removed from {}\n", size_text(*bytes), folder->path());
  return {};
}

Status path(const Options& options) {
  const auto folder = folder_of(options);
  if (!folder) return folder.status();
  fmt::print("{}\n", folder->path());
  return {};
}

}  // namespace

void add_cache(CLI::App& lathe, Command& chosen) {
  CLI::App* cache = lathe.add_subcommand("cache", "The packed weights that are kept from one start to the next");
  cache->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, Status (*run)(const Options&)) {
    CLI::App* command = cache->add_subcommand(name, what);
    auto options = std::make_shared<Options>();
    command->add_option("--cache", options->folder, "Another folder than the usual one");
    command->callback([options, run, &chosen] { chosen = [options, run] { return run(*options); }; });
    return std::pair(command, options);
  };
  const auto [ls, options] = add("ls", "Type, size, last use and model of each file, the last used first", list);
  ls->add_flag("--json", options->json, "Print JSON");
  add("clear", "Remove them all, and what is remembered about models", clear);
  add("path", "Print the folder", path);
}

}  // namespace lathe::cli
