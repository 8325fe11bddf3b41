#include "run/resume.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "formats/checkpoint_manifest.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

bool same_place(const std::string& a, const std::string& b) {
  std::error_code error;
  return fs::equivalent(a, b, error) && !error;
}

template <class Value>
std::string text_of(const Value& value) {
  return nlohmann::json(value).dump();
}

}  // namespace

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const fs::path whole = path.empty() ? fs::path() : fs::absolute(path, error);
  std::string text = error ? path : whole.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

Result<ResumePoint> find_resume_point(const std::string& resume) {
  std::error_code error;
  const fs::path real = fs::canonical(resume, error);
  if (error) return not_found(resume + ": there is no such run or checkpoint");
  ResumePoint point;
  if (fs::exists(real / "train.json", error)) {
    point.checkpoint = real.string();
    point.folder = real.parent_path().string();
    if (Status status = verify_checkpoint(point.checkpoint); !status.ok()) return status;
    return point;
  }
  auto latest = RunFolder(resume).latest();
  if (!latest) return latest.status();
  point.checkpoint = std::move(latest->path);
  point.folder = resume;
  for (const std::string& why : latest->skipped) point.notes.push_back(why + "; the checkpoint before it is used");
  return point;
}

Status adopt_settings(const AskedSettings& asked, const std::string& path, const TrainState& state, TrainSettings& kept,
                      std::vector<std::string>& notes) {
  Status status;
  visit_settings(asked.settings, [&](const char* name, const auto& wanted, bool fixed) {
    if (!asked.given.contains(name)) return;
    visit_settings(kept, [&](const char* other, auto& value, bool) {
      if constexpr (std::is_same_v<std::decay_t<decltype(wanted)>, std::decay_t<decltype(value)>>) {
        if (std::string_view(name) != other || wanted == value) return;
        if (fixed)
          status = invalid_argument(option_name(name) + " is " + text_of(wanted) + ", needed: " + text_of(value) +
                                    ", as the checkpoint " + path + " was trained with");
        else
          value = wanted;
      }
    });
  });
  if (!status.ok()) return status;
  if (kept.steps <= state.step)
    return invalid_argument("--steps is " + std::to_string(kept.steps) + ", needed: more than the " +
                            std::to_string(state.step) + " that the checkpoint " + path + " has made");
  if (asked.given.contains("steps") && kept.schedule != "constant")
    notes.push_back("the learning rate's schedule now ends at step " + std::to_string(kept.steps));
  return {};
}

Result<RunPlace> choose_run_folder(const std::string& output, const std::string& resume, const ResumePoint* from,
                                   TrainState& state) {
  if (from != nullptr && (output.empty() || same_place(output, from->folder))) {
    RunPlace place{.folder = RunFolder(from->folder), .in_place = true};
    const auto steps = place.folder.steps();
    if (absolute_path(resume) != absolute_path(from->folder) && !steps.empty() && steps.back() > state.step)
      return invalid_argument(from->folder + ": has gone on to step " + std::to_string(steps.back()) +
                              ", needed: -o with a new folder to go on from step " + std::to_string(state.step) +
                              " once more");
    return place;
  }
  RunPlace place{.folder = RunFolder(output)};
  std::error_code error;
  if (fs::exists(output, error) && !fs::is_directory(output, error))
    return invalid_argument(output + ": is there and is no folder, needed: a new folder for the run");
  if (const auto steps = place.folder.steps(); !steps.empty())
    return invalid_argument(output + ": holds a run that came to step " + std::to_string(steps.back()) +
                            ", needed: a new folder, or --resume " + output + " to go on with it");
  if (from != nullptr) {
    state.best_step = 0;
    state.best = 0;
  }
  return place;
}

Result<IndexLock> begin_run_folder(const RunPlace& place, const TrainState& state) {
  const RunFolder& folder = place.folder;
  std::error_code error;
  fs::create_directories(folder.path(), error);
  if (error) return io_error(folder.path() + ": cannot be created: " + error.message());
  auto lock = IndexLock::take(absolute_path(folder.path()));
  if (!lock) return lock;
  remove_unfinished_checkpoints(folder.path());
  if (!place.in_place) return lock;
  folder.set_aside_after(state.step);
  if (state.best_step > 0 && fs::exists(folder.checkpoint_path(state.best_step), error)) {
    if (Status status = folder.set_best(state.best_step); !status.ok()) return status;
  } else if (folder.best() > 0) {
    fs::remove(folder.best_path(), error);
  }
  return lock;
}

}  // namespace lathe::run
