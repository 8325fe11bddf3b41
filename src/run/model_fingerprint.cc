#include "run/model_fingerprint.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/sha256.h"
#include "formats/model_files.h"
#include "platform/mapped_file.h"

namespace lathe::run {
namespace {

namespace fs = std::filesystem;

constexpr size_t kPage = 4096, kPages = 256;

std::string sample(std::string_view bytes) {
  std::string part = std::to_string(bytes.size()) + ":";
  if (bytes.size() <= kPage * kPages) return part += bytes;
  for (size_t i = 0; i < kPages; ++i) part += bytes.substr((bytes.size() - kPage) / (kPages - 1) * i, kPage);
  return part;
}

bool is_weights(const fs::path& path) { return path.extension() == ".safetensors" || path.extension() == ".gguf"; }

// A file that is not there counts too: a modules.json that appears changes the vectors.
Status add(const fs::path& path, std::string& sums) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return {};
  const auto file = MappedFile::open(path);
  if (!file) return file.status();
  sums += path.filename().string() + "=" + sha256_hex(is_weights(path) ? sample(file->text()) : file->text()) + "\n";
  return {};
}

// In the order of their names: what a model's folder and the folders of its modules may hold that matters.
std::set<fs::path> parts(const ModelFiles& files) {
  std::set<fs::path> found = {files.weights, files.tokenizer};
  if (files.format == ModelFiles::Format::gguf) return found;
  std::set<fs::path> folders = {files.folder, files.config, fs::path(files.weights).parent_path()};
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(files.folder, error)) {
    const std::string name = entry.path().filename();
    if (entry.is_directory(error) && name.size() > 2 && name[0] >= '0' && name[0] <= '9' && name[1] == '_')
      folders.insert(entry.path());
  }
  for (const fs::path& folder : folders) {
    for (const char* name : {"config.json", "modules.json", "sentence_bert_config.json", "tokenizer_config.json",
                             "config_sentence_transformers.json", "special_tokens_map.json", "added_tokens.json"})
      found.insert(folder / name);
    if (folder != fs::path(files.weights).parent_path() || files.weights.ends_with(".json"))
      for (const auto& entry : fs::directory_iterator(folder, error))
        if (is_weights(entry.path())) found.insert(entry.path());
  }
  return found;
}

}  // namespace

Result<std::string> model_fingerprint(const std::string& model, const std::string& hub) {
  const auto files = resolve_model(model, hub);
  if (!files) return files.status();
  std::string sums;
  for (const fs::path& part : parts(*files))
    if (Status status = add(part, sums); !status.ok()) return status;
  return sha256_hex(sums);
}

}  // namespace lathe::run
