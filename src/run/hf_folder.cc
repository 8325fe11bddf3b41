#include "run/hf_folder.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "base/atomic_file.h"
#include "formats/model_files.h"
#include "formats/safetensors_writer.h"
#include "models/hf_export.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

// An empty folder to write to; it goes again, with what is in it, unless it is kept.
class NewFolder {
 public:
  explicit NewFolder(std::string path) : path_(std::move(path)) {}
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder() {
    std::error_code error;
    if (kept_) return;
    for (fs::directory_iterator at(path_, error), end; !error && at != end; at.increment(error))
      fs::remove(at->path(), error);
    if (made_) fs::remove(path_, error);
  }

  Status make() {
    std::error_code error;
    if (fs::exists(path_, error) && (!fs::is_directory(path_, error) || !fs::is_empty(path_, error))) {
      kept_ = true;
      return invalid_argument(path_ + ": is there and is no empty folder, needed: a new or an empty one");
    }
    made_ = fs::create_directories(path_, error);
    return error ? io_error(path_ + ": cannot be created: " + error.message()) : Status();
  }
  void keep() { kept_ = true; }

 private:
  const std::string path_;
  bool made_ = false, kept_ = false;
};

}  // namespace

Result<ExportReport> write_hugging_face(const HfFolderOptions& options) {
  const auto files = resolve_model(options.model, options.hub);
  if (!files) return files.status();
  if (files->format != ModelFiles::Format::gguf)
    return invalid_argument(files->weights + ": is no GGUF file, needed: one, where the output is a folder");
  auto model = models::export_hugging_face(*files, options.type);
  if (!model) return model.status();
  NewFolder folder(options.output);
  if (Status status = folder.make(); !status.ok()) return status;
  SafetensorsWriter::Options layout;
  if (options.shard_bytes > 0) layout.shard_bytes = options.shard_bytes;
  auto writer = SafetensorsWriter::create(options.output, models::targets_of(model->tensors), layout);
  if (!writer) return writer.status();
  const auto sink = [&](std::span<const std::byte> bytes) { return writer->write(bytes); };
  if (Status status = write_tensors(model->files, model->tensors, options.threads, options.progress, sink);
      !status.ok())
    return status;
  for (const auto& [name, text] : model->texts)
    if (Status status = write_file(options.output + "/" + name, text); !status.ok()) return status;
  if (Status status = writer->commit(); !status.ok()) return status;
  folder.keep();
  ExportReport report;
  report.add(model->tensors);
  report.file_bytes = writer->file_bytes();
  report.notes = std::move(model->notes);
  return report;
}

}  // namespace lathe::run
