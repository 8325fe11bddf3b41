#include "formats/model_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>

namespace lathe {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// The first of `names` that is in `folder`; empty where none is.
template <size_t N>
std::string first_of(const fs::path& folder, const std::array<const char*, N>& names) {
  for (const char* name : names)
    if (is_there(folder / name)) return folder / name;
  return "";
}

// The most telling one first: tokenizer.json has the normaliser and the template too.
constexpr std::array kTokenizers = {"tokenizer.json", "tokenizer.model", "sentencepiece.bpe.model",
                                    "spiece.model",   "vocab.txt",       "vocab.json"};
constexpr std::array kWeights = {"model.safetensors", "model.safetensors.index.json"};

ModelFiles beside_config(const std::string& weights, const std::string& folder, const std::string& config) {
  return {ModelFiles::Format::safetensors, weights, folder, config, first_of(config, kTokenizers)};
}

ModelFiles of_gguf(const fs::path& path) {
  const std::string folder = path.parent_path();
  return {ModelFiles::Format::gguf, path, folder, folder, path};
}

Result<ModelFiles> of_file(const fs::path& path) {
  if (path.extension() == ".gguf") return of_gguf(path);
  if (path.extension() == ".safetensors" || path.extension() == ".json") {
    const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
    return beside_config(path, folder, folder);
  }
  if (path.extension() == ".bin") {
    const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
    return ModelFiles{ModelFiles::Format::llama2c, path, folder, folder, ""};
  }
  return invalid_argument(
      fmt::format("{}: is a file of another kind, needed: a folder, a .gguf, .safetensors or "
                  "llama2.c (.bin) file, or an index of shards (.json)",
                  path.string()));
}

std::vector<std::string> gguf_files(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".gguf") names.push_back(at->path().filename());
  std::ranges::sort(names);
  return names;
}

Result<ModelFiles> of_folder(const fs::path& folder) {
  // sentence-transformers once kept the transformer in a folder of its own.
  for (const fs::path& config : {folder, folder / "0_Transformer"})
    if (const std::string weights = first_of(config, kWeights); !weights.empty())
      return beside_config(weights, folder, config);
  const auto ggufs = gguf_files(folder);
  if (ggufs.size() == 1) return of_gguf(folder / ggufs.front());
  if (ggufs.size() > 1)
    return invalid_argument(
        fmt::format("{}: the folder has {} .gguf files ({}, {}, ...), needed: the path of one of them", folder.string(),
                    ggufs.size(), ggufs[0], ggufs[1]));
  return not_found(fmt::format(
      "{}: the folder has no weights, needed: model.safetensors, model.safetensors.index.json or a .gguf file",
      folder.string()));
}

}  // namespace

Result<ModelFiles> resolve_model(const std::string& model, const std::string& hub) {
  if (model.empty()) return invalid_argument("the model's name is empty, needed: a path or a Hugging Face name");
  std::error_code error;
  if (fs::is_directory(model, error)) return of_folder(model);
  if (fs::exists(model, error)) return of_file(model);
  const auto snapshot = hub_snapshot(model, hub);
  if (!snapshot) return snapshot.status();
  return of_folder(*snapshot);
}

}  // namespace lathe
