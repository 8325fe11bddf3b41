// From a path to mapped files: one file, or an index and its shards.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <vector>

#include "base/shown.h"
#include "formats/safetensors.h"
#include "formats/safetensors_index.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

Status add_file(const std::string& path, Safetensors& model, std::vector<TensorView>& tensors) {
  auto file = MappedFile::open(path);
  if (!file) return file.status();
  auto content = parse_safetensors(file->bytes(), path);
  if (!content) return content.status();
  if (model.files.empty()) model.metadata = std::move(content->metadata);
  if (static_cast<int64_t>(tensors.size() + content->tensors.size()) > TensorTable::kMost)
    return unsupported(
        fmt::format("{}: brings the model to more than {} tensors, needed: at most that", path, TensorTable::kMost));
  if (tensors.empty())
    tensors = std::move(content->tensors);
  else
    std::ranges::move(content->tensors, std::back_inserter(tensors));
  model.files.push_back(std::move(*file));
  return {};
}

bool lies_in(const TensorView& tensor, const MappedFile& file) {
  const auto all = file.bytes();
  return tensor.bytes.data() >= all.data() && tensor.bytes.data() + tensor.bytes.size() <= all.data() + all.size();
}

// Every tensor of the index is in the shard that it names, and stands there once.
Status check_index(const MappedFile& index, const std::vector<std::string>& shards, const Safetensors& model) {
  std::vector<bool> seen(model.tensors.all().size());
  const auto check = [&](const std::string& name, const std::string& shard) {
    const TensorView* tensor = model.tensors.find(name);
    const auto file = static_cast<size_t>(std::ranges::lower_bound(shards, shard) - shards.begin());
    if (!tensor || !lies_in(*tensor, model.files[file]))
      return corrupt(
          fmt::format("{}: weight_map, {} is not in {}, needed: it there", index.path(), shown(name), shown(shard)));
    const auto at = static_cast<size_t>(tensor - model.tensors.all().data());
    if (seen[at])
      return corrupt(fmt::format("{}: weight_map, {} is there twice, needed: once", index.path(), shown(name)));
    seen[at] = true;
    return Status();
  };
  return read_safetensors_index(index.text(), index.path(), check);
}

Result<Safetensors> open_index(const std::string& path) {
  const auto index = MappedFile::open(path);
  if (!index) return index.status();
  const auto shards = safetensors_shards(index->text(), path);
  if (!shards) return shards.status();
  Safetensors model;
  std::vector<TensorView> tensors;
  for (const std::string& shard : *shards) {
    const Status status = add_file(fs::path(path).parent_path() / shard, model, tensors);
    if (status.code() == Code::not_found)
      return not_found(fmt::format("{}: weight_map, shard {} is not there, needed: all {} shards", path, shown(shard),
                                   shards->size()));
    if (!status.ok()) return status;
  }
  auto table = TensorTable::create(std::move(tensors), path);
  if (!table) return table.status();
  model.tensors = std::move(*table);
  if (const Status status = check_index(*index, *shards, model); !status.ok()) return status;
  return model;
}

Result<Safetensors> open_single(const std::string& path) {
  Safetensors model;
  std::vector<TensorView> tensors;
  if (const Status status = add_file(path, model, tensors); !status.ok()) return status;
  auto table = TensorTable::create(std::move(tensors), path);
  if (!table) return table.status();
  model.tensors = std::move(*table);
  return model;
}

}  // namespace

Result<Safetensors> open_safetensors(const std::string& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) return path.ends_with(".json") ? open_index(path) : open_single(path);
  const std::string single = fs::path(path) / kSingle, index = fs::path(path) / kIndex;
  if (fs::exists(single, error)) return open_single(single);
  if (fs::exists(index, error)) return open_index(index);
  return not_found(fmt::format("{}: the folder has neither {} nor {}, needed: one of them", path, kSingle, kIndex));
}

}  // namespace lathe
