#include "run/index_plan.h"

#include <map>
#include <utility>

#include "base/atomic_file.h"
#include "base/sha256.h"

namespace lathe::run {
namespace {

// Content, and whether it was cut as Markdown.
using ContentKey = std::pair<std::string, bool>;

struct OldFiles {
  std::map<std::string, int64_t> by_path;
  std::map<ContentKey, int64_t> by_content;

  explicit OldFiles(const IndexFile* old) {
    for (int64_t i = 0; old && i < old->files(); ++i) {
      const IndexedFile file = old->file(i);
      by_path.emplace(file.path, i);
      by_content.emplace(ContentKey(file.sha256, is_markdown(file.path)), i);
    }
  }
};

// False where the file is left out, with the reason in `skipped`.
Result<bool> read(const FoundFile& found, const FileFilter& filter, bool named, std::string& content,
                  std::vector<std::string>& skipped) {
  auto text = read_file(found.path, filter.most_bytes);
  if (!text) {
    skipped.push_back(text.status().message());
    return named ? Result<bool>(text.status()) : Result<bool>(false);
  }
  if (looks_binary(*text)) {
    if (named) return invalid_argument(found.path + ": has NUL bytes, needed: a text file");
    return false;  // folders are full of them; not worth a sentence each
  }
  content = std::move(*text);
  return true;
}

bool is_named(const std::vector<std::string>& paths, const std::string& path) {
  for (const std::string& named : paths)
    if (named == path || named == "./" + path) return true;
  return false;
}

}  // namespace

Result<IndexPlan> plan_index(const IndexOptions& options, const IndexFile* old) {
  auto found = find_files(options.paths, options.filter);
  if (!found) return found.status();
  const OldFiles known(old);
  IndexPlan plan;
  IndexReport& report = plan.report;
  report.skipped = std::move(found->skipped);
  std::map<std::string, int64_t> gone = known.by_path;
  for (FoundFile& file : found->files) {
    PlannedFile planned = {.found = std::move(file), .sha256 = ""};
    const std::string& path = planned.found.path;
    const auto text =
        read(planned.found, options.filter, is_named(options.paths, path), planned.content, report.skipped);
    if (!text) return text.status();
    if (!*text) continue;
    planned.sha256 = sha256_hex(planned.content);
    planned.found.bytes = static_cast<int64_t>(planned.content.size());
    const auto same_path = known.by_path.find(path);
    const auto same_content = known.by_content.find({planned.sha256, is_markdown(path)});
    if (same_content != known.by_content.end()) {
      planned.old_file = same_content->second;
      planned.content = {};
    }
    if (same_path == known.by_path.end())
      report.added.push_back(path);
    else if (old->file(same_path->second).sha256 != planned.sha256)
      report.changed.push_back(path);
    else
      ++report.kept;
    gone.erase(path);
    plan.files.push_back(std::move(planned));
  }
  for (const auto& [path, index] : gone) report.removed.push_back(path);
  report.files = static_cast<int64_t>(plan.files.size());
  plan.same = old && report.kept == report.files && gone.empty();
  return plan;
}

}  // namespace lathe::run
