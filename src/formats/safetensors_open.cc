// From a path to mapped files: one file, or an index and its shards.
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <vector>

#include "base/bounded_json.h"
#include "base/shown.h"
#include "formats/safetensors.h"

namespace lathe {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kLargestIndex = 32 << 20;  // bytes; the largest published ones have 9 MB
constexpr size_t kMostShards = 4096;
constexpr JsonLimits kIndexLimits{.depth = 8, .token = 1 << 16, .values = 2 * TensorTable::kMost + 1024};
constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

// Tensors of each shard, as the index has them.
using Shards = std::map<std::string, std::vector<std::string>>;

// A shard lies beside its index: a name that leads elsewhere could make us read any file.
bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of(std::string_view("/\\\0", 3)) == name.npos;
}

Result<Shards> read_index(const std::string& path) {
  auto json = load_json(path, kLargestIndex, kIndexLimits);
  if (!json) return json.status();
  if (!json->is_object() || !json->contains("weight_map") || !(*json)["weight_map"].is_object())
    return corrupt(
        fmt::format("{}: weight_map is missing or no object, needed: an object of tensors and shards", path));
  Shards shards;
  for (const auto& [tensor, shard] : (*json)["weight_map"].items()) {
    if (!shard.is_string() || !is_plain_name(shard.get_ref<const std::string&>()))
      return corrupt(fmt::format("{}: weight_map, {} is {}, needed: the name of a file beside the index", path,
                                 shown(tensor),
                                 shown(shard.is_string() ? shard.get<std::string>() : shard.type_name())));
    shards[shard.get<std::string>()].push_back(tensor);
  }
  if (shards.empty()) return corrupt(fmt::format("{}: weight_map is empty, needed: at least one tensor", path));
  if (shards.size() > kMostShards)
    return unsupported(
        fmt::format("{}: weight_map has {} shards, needed: at most {}", path, shards.size(), kMostShards));
  return shards;
}

Status add_file(const std::string& path, Safetensors& model, std::vector<TensorView>& tensors) {
  auto file = MappedFile::open(path);
  if (!file) return file.status();
  auto content = parse_safetensors(file->bytes(), path);
  if (!content) return content.status();
  if (model.files.empty()) model.metadata = std::move(content->metadata);
  if (static_cast<int64_t>(tensors.size() + content->tensors.size()) > TensorTable::kMost)
    return unsupported(
        fmt::format("{}: brings the model to more than {} tensors, needed: at most that", path, TensorTable::kMost));
  std::ranges::move(content->tensors, std::back_inserter(tensors));
  model.files.push_back(std::move(*file));
  return {};
}

bool lies_in(const TensorView& tensor, const MappedFile& file) {
  const auto all = file.bytes();
  return tensor.bytes.data() >= all.data() && tensor.bytes.data() + tensor.bytes.size() <= all.data() + all.size();
}

// Every tensor of the index is in the shard that it names.
Status check_index(const std::string& path, const Shards& shards, const Safetensors& model) {
  size_t file = 0;
  for (const auto& [shard, tensors] : shards) {
    for (const std::string& name : tensors) {
      const TensorView* tensor = model.tensors.find(name);
      if (!tensor || !lies_in(*tensor, model.files[file]))
        return corrupt(
            fmt::format("{}: weight_map, {} is not in {}, needed: it there", path, shown(name), shown(shard)));
    }
    ++file;
  }
  return {};
}

Result<Safetensors> open_index(const std::string& path) {
  const auto shards = read_index(path);
  if (!shards) return shards.status();
  Safetensors model;
  std::vector<TensorView> tensors;
  for (const auto& [shard, names] : *shards) {
    const Status status = add_file(fs::path(path).parent_path() / shard, model, tensors);
    if (status.code() == Code::not_found)
      return not_found(fmt::format("{}: weight_map, shard {} is not there, needed for {} tensors", path, shown(shard),
                                   names.size()));
    if (!status.ok()) return status;
  }
  auto table = TensorTable::create(std::move(tensors), path);
  if (!table) return table.status();
  model.tensors = std::move(*table);
  if (const Status status = check_index(path, *shards, model); !status.ok()) return status;
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
