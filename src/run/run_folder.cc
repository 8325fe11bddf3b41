#include "run/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "formats/checkpoint_manifest.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStep = "step-";

std::string step_name(int64_t step) { return fmt::format("{}{:08}", kStep, step); }

// The step that a folder's name says; 0: none.
int64_t step_of(std::string_view name) {
  if (!name.starts_with(kStep)) return 0;
  name.remove_prefix(kStep.size());
  int64_t step = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), step);
  return error == std::errc() && end == name.data() + name.size() && step > 0 ? step : 0;
}

}  // namespace

std::string RunFolder::checkpoint_path(int64_t step) const { return path_ + "/" + step_name(step); }

std::vector<int64_t> RunFolder::steps() const {
  std::vector<int64_t> found;
  std::error_code error;
  for (fs::directory_iterator at(path_, error), end; !error && at != end; at.increment(error))
    if (const int64_t step = step_of(at->path().filename().string()); step > 0 && !at->is_symlink(error))
      found.push_back(step);
  std::ranges::sort(found);
  return found;
}

int64_t RunFolder::best() const {
  std::error_code error;
  const fs::path target = fs::read_symlink(best_path(), error);
  return error ? 0 : step_of(target.string());
}

Status RunFolder::set_best(int64_t step) const {
  const std::string link = best_path() + ".unfinished";
  ::unlink(link.c_str());
  if (::symlink(step_name(step).c_str(), link.c_str()) != 0 || ::rename(link.c_str(), best_path().c_str()) != 0)
    return io_error(best_path() + ": cannot be made: " + std::strerror(errno));
  return {};
}

void RunFolder::prune(int64_t keep) const {
  const auto all = steps();
  const int64_t best_step = best();
  std::error_code error;
  for (size_t i = 0; i + static_cast<size_t>(keep) < all.size(); ++i)
    if (all[i] != best_step) {
      const std::string gone = checkpoint_path(all[i]) + ".unfinished";  // a half removed one never has the name
      fs::rename(checkpoint_path(all[i]), gone, error);
      fs::remove_all(gone, error);
    }
}

void RunFolder::set_aside_after(int64_t step) const {
  std::error_code error;
  for (const int64_t later : steps())
    if (later > step) {
      fs::remove_all(checkpoint_path(later) + ".damaged", error);
      fs::rename(checkpoint_path(later), checkpoint_path(later) + ".damaged", error);
    }
}

Result<RunFolder::Latest> RunFolder::latest() const {
  const auto all = steps();
  Latest latest;
  for (auto step = all.rbegin(); step != all.rend(); ++step) {
    const std::string path = checkpoint_path(*step);
    const Status status = verify_checkpoint(path);
    if (status.ok()) {
      latest.path = path;
      latest.step = *step;
      return latest;
    }
    latest.skipped.push_back(status.message());
  }
  if (latest.skipped.empty())
    return not_found(path_ + ": holds no checkpoint (step-00000001 and so on), needed: a run that has saved one");
  return corrupt(latest.skipped.front() + "; " + path_ + " has no other checkpoint that is whole");
}

}  // namespace lathe::run
