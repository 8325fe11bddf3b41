// lathe cache: the packed weights and the pipelines of GPUs that are kept from one start to the next.
#include <fmt/chrono.h>
#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cache_path.h"
#include "commands.h"
#include "gpu/pipeline_file.h"
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

// Pipelines have no folder but the usual one.
std::string pipelines_of(const Options& options) { return options.folder.empty() ? default_pipeline_folder() : ""; }

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

nlohmann::ordered_json to_json(const gpu::KeptPipelines& file) {
  nlohmann::ordered_json json = {{"file", file.path}, {"bytes", file.bytes}};
  json["last_used"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(file.written_ns / 1'000'000'000));
  json["type"] = "pipelines";
  if (!file.status.ok()) json["error"] = file.status.message();
  return json;
}

void print_sum(int64_t bytes, size_t files, const std::string& folder) {
  fmt::print("{} in {} file{} of {}\n", size_text(bytes), files, files == 1 ? "" : "s", folder);
}

void print_pipelines(const std::vector<gpu::KeptPipelines>& files, const std::string& folder) {
  int64_t bytes = 0;
  for (const gpu::KeptPipelines& file : files) {
    fmt::print("{:<6} {:>10}  {}  {}\n", "vulkan", size_text(file.bytes), time_text(file.written_ns),
               file.status.ok() ? "compiled pipelines" : "(not usable: " + file.status.message() + ")");
    bytes += file.bytes;
  }
  print_sum(bytes, files.size(), folder);
}

Status list(const Options& options) {
  const auto folder = folder_of(options);
  if (!folder) return folder.status();
  const auto entries = folder->list();
  const std::string pipelines = pipelines_of(options);
  const auto kept = gpu::list_pipeline_files(pipelines);
  if (options.json) {
    auto all = nlohmann::ordered_json::array();
    for (const auto& entry : entries) all.push_back(to_json(entry));
    for (const auto& file : kept) all.push_back(to_json(file));
    fmt::print("{}\n", all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
    return {};
  }
  int64_t bytes = 0;
  for (const auto& entry : entries) {
    fmt::print("{:<6} {:>10}  {}  {}\n", entry.stored, size_text(entry.bytes), time_text(entry.last_used_ns),
               model_text(entry));
    bytes += entry.bytes;
  }
  print_sum(bytes, entries.size(), folder->path());
  if (!pipelines.empty()) print_pipelines(kept, pipelines);
  return {};
}

Status clear(const Options& options) {
  const auto folder = folder_of(options);
  if (!folder) return folder.status();
  const auto bytes = folder->clear();
  if (!bytes) return bytes.status();
  fmt::print("{} of packed weights removed from {}\n", size_text(*bytes), folder->path());
  const std::string pipelines = pipelines_of(options);
  if (pipelines.empty()) return {};
  const auto compiled = gpu::clear_pipeline_files(pipelines);
  if (!compiled) return compiled.status();
  fmt::print("{} of compiled pipelines removed from {}\n", size_text(*compiled), pipelines);
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
  CLI::App* cache = lathe.add_subcommand(
      "cache", "Packed weights, and the pipelines of GPUs, that are kept from one start to the next");
  cache->require_subcommand(1);
  const auto add = [&](const char* name, const char* what, Status (*run)(const Options&)) {
    CLI::App* command = cache->add_subcommand(name, what);
    auto options = std::make_shared<Options>();
    command->add_option("--cache", options->folder,
                        "Another folder of packed weights than the usual one, and no pipelines");
    command->callback([options, run, &chosen] { chosen = [options, run] { return run(*options); }; });
    return std::pair(command, options);
  };
  const auto [ls, options] = add("ls", "Type, size, last use and model of each file, the last used first", list);
  ls->add_flag("--json", options->json, "Print JSON");
  add("clear", "Remove them all, and what is remembered about models", clear);
  add("path", "Print the folder of packed weights", path);
}

}  // namespace lathe::cli
