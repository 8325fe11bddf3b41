#include "run/hf_copy.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "base/atomic_file.h"
#include "formats/checkpoint_manifest.h"
#include "platform/mapped_file.h"
#include "run/run_folder.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kOfTraining[] = {"optimizer.safetensors", "train.json", "manifest.json", "COMPLETE"};

Result<int64_t> copy_one(const fs::path& from, const fs::path& to) {
  const auto file = MappedFile::open(from.string());
  if (!file) return file.status();
  if (Status status = write_file(to.string(), file->text()); !status.ok()) return status;
  return static_cast<int64_t>(file->bytes().size());
}

}  // namespace

Result<int64_t> copy_hugging_face(const std::string& checkpoint, const std::string& output) {
  std::error_code error;
  if (fs::exists(output, error) && (!fs::is_directory(output, error) || !fs::is_empty(output, error)))
    return invalid_argument(output + ": is there and is no empty folder, needed: a new or an empty one");
  const bool made = fs::create_directories(output, error);
  if (error) return io_error(output + ": cannot be created: " + error.message());
  int64_t bytes = 0;
  Status status;
  std::vector<fs::path> written;
  for (fs::directory_iterator at(checkpoint, error), end; status.ok() && !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (std::ranges::find(kOfTraining, name) != std::end(kOfTraining)) continue;
    written.push_back(fs::path(output) / name);
    if (at->is_directory(error)) {  // an encoder's modules: a few lines each
      fs::copy(at->path(), written.back(), fs::copy_options::recursive, error);
      continue;
    }
    const auto copied = copy_one(at->path(), fs::path(output) / name);
    status = copied.status();
    bytes += copied ? *copied : 0;
  }
  if (status.ok() && !error) return bytes;
  for (const fs::path& path : written) fs::remove_all(path, error);
  if (made) fs::remove(output, error);
  return status.ok() ? io_error(checkpoint + ": cannot be read") : status;
}

Result<std::string> trained_model(const std::string& path) {
  std::error_code error;
  if (fs::exists(fs::path(path) / "train.json", error)) {
    if (Status status = verify_checkpoint(path); !status.ok()) return status;
    return path;
  }
  if (!fs::is_directory(path, error)) return not_found(path + ": there is no such run or checkpoint");
  const RunFolder folder(path);
  if (fs::exists(folder.best_path(), error) && verify_checkpoint(folder.best_path()).ok()) return folder.best_path();
  auto latest = folder.latest();
  if (!latest) return latest.status();
  return latest->path;
}

}  // namespace lathe::run
