#include "cache_path.h"

#include <spdlog/spdlog.h>

#include <cstdlib>

namespace lathe::cli {

namespace {

std::string folder_of(const char* name) {
  // A relative path there is to be ignored (XDG Base Directory Specification).
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache && cache[0] == '/')
    return std::string(cache) + "/lathe/" + name;
  if (const char* home = std::getenv("HOME"); home && home[0] == '/')
    return std::string(home) + "/.cache/lathe/" + name;
  return "";
}

}  // namespace

std::string default_cache_path() { return folder_of("weights"); }
std::string default_pipeline_folder() { return folder_of("pipelines"); }

void add_cache_option(CLI::App& command, std::string& text) {
  command.add_option("--cache", text,
                     "Folder that keeps packed weights for the next start, or 'off'; see lathe cache path");
}

run::CacheOptions cache_options(const std::string& text) {
  run::CacheOptions options;
  if (text != "off") options.folder = text.empty() ? default_cache_path() : text;
  options.warn = [](const std::string& sentence) { spdlog::warn("{}", sentence); };
  return options;
}

}  // namespace lathe::cli
