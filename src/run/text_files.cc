#include "run/text_files.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "platform/files.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

bool matches(const std::vector<std::string>& patterns, const fs::path& below) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    return ::fnmatch(pattern.c_str(), below.filename().c_str(), 0) == 0 ||
           ::fnmatch(pattern.c_str(), below.c_str(), 0) == 0;
  });
}

void take(const std::string& path, const FileFilter& filter, FoundFiles& found) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return;  // gone since, or a socket and the like
  if (info.st_size > filter.most_bytes) {
    found.skipped.push_back(path + ": is " + std::to_string(info.st_size) + " bytes long, more than the limit of " +
                            std::to_string(filter.most_bytes));
    return;
  }
  found.files.push_back({.path = path, .bytes = info.st_size, .mtime_ns = modified_ns(info)});
}

void search(const fs::path& folder, const FileFilter& filter, FoundFiles& found) {
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error), end;
  for (; !error && at != end; at.increment(error)) {
    const fs::path below = at->path().lexically_relative(folder);
    std::error_code ignored;
    const bool is_folder = at->is_directory(ignored);
    if (below.filename().native().starts_with('.') || matches(filter.exclude, below)) {
      if (is_folder) at.disable_recursion_pending();
      continue;
    }
    if (!is_folder && (filter.include.empty() || matches(filter.include, below)))
      take(at->path().string(), filter, found);
  }
  if (error) found.skipped.push_back(folder.string() + ": cannot be read further: " + error.message());
}

}  // namespace

Result<FoundFiles> find_files(const std::vector<std::string>& paths, const FileFilter& filter) {
  FoundFiles found;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status))
      search(fs::path(path).lexically_normal(), filter, found);
    else if (fs::is_regular_file(status))
      take(fs::path(path).lexically_normal().string(), filter, found);
    else
      return not_found(path + ": there is no such file or folder");
  }
  std::sort(found.files.begin(), found.files.end(),
            [](const FoundFile& a, const FoundFile& b) { return a.path < b.path; });
  const auto same = [](const FoundFile& a, const FoundFile& b) { return a.path == b.path; };
  found.files.erase(std::unique(found.files.begin(), found.files.end(), same), found.files.end());
  return found;
}

bool looks_binary(std::string_view content) { return content.substr(0, 8192).find('\0') != std::string_view::npos; }

}  // namespace lathe::run
