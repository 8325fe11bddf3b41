#include "formats/safetensors_writer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <unordered_set>

#include "base/checked.h"
#include "base/shown.h"

namespace lathe {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kMostHeader = 100'000'000;  // bytes: what readers take
constexpr const char* kMetadata = "__metadata__";

// Bytes of a tensor, or what is wrong with it.
Result<int64_t> size_of(const std::string& folder, const TensorView& tensor) {
  if (dtype_info(tensor.dtype).block != 1)
    return unsupported(
        fmt::format("{}: tensor {} is of type {}, needed: a plain type, which is all that safetensors has", folder,
                    shown(tensor.name), dtype_name(tensor.dtype)));
  const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (!bytes || tensor.name == kMetadata)
    return unsupported(
        fmt::format("{}: tensor {} has the shape {}, needed: fewer than 2^63 bytes and a name other than {}", folder,
                    shown(tensor.name), tensor.shape.text(), kMetadata));
  return *bytes;
}

}  // namespace

void SafetensorsWriter::divide(std::span<const TensorView> tensors, const Options& options) {
  int64_t filled = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (shards_.empty() || (filled > 0 && sizes_[i] > options.shard_bytes - filled)) {
      shards_.push_back({i, i, ""});
      filled = 0;
    }
    filled += sizes_[i];
    shards_.back().end = i + 1;
  }
  if (shards_.empty()) shards_.emplace_back();
  for (size_t i = 0; i < shards_.size(); ++i)
    shards_[i].name = shards_.size() == 1 ? name_ + ".safetensors"
                                          : fmt::format("{}-{:05}-of-{:05}.safetensors", name_, i + 1, shards_.size());
}

Status SafetensorsWriter::open_shard(const Shard& shard, std::span<const TensorView> tensors,
                                     const TensorMetadata& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  int64_t at = 0;
  for (size_t i = shard.first; i < shard.end; ++i) {
    const auto dims = tensors[i].shape.dims();
    header[tensors[i].name] = {{"dtype", dtype_name(tensors[i].dtype)},
                               {"shape", std::vector<int64_t>(dims.begin(), dims.end())},
                               {"data_offsets", {at, at + sizes_[i]}}};
    at += sizes_[i];
  }
  std::string text = header.dump(-1, ' ', false, Json::error_handler_t::replace);
  text.resize(static_cast<size_t>(round_up(static_cast<int64_t>(text.size()), 8)), ' ');  // data lie aligned
  const std::string path = folder_ + "/" + shard.name;
  if (static_cast<int64_t>(text.size()) > kMostHeader)
    return unsupported(
        fmt::format("{}: the header takes {} bytes, needed: at most {}", path, text.size(), kMostHeader));
  const uint64_t length = text.size();
  const std::string head = std::string(reinterpret_cast<const char*>(&length), sizeof length) + text;
  const int64_t bytes = static_cast<int64_t>(head.size()) + at;
  auto file = AtomicFile::create(path, bytes);
  if (!file) return file.status();
  files_.push_back(std::move(*file));
  file_bytes_ += bytes;
  return files_.back().write(head);
}

void SafetensorsWriter::make_index(std::span<const TensorView> tensors) {
  Json weights = Json::object();
  int64_t total = 0;
  for (const Shard& shard : shards_)
    for (size_t i = shard.first; i < shard.end; ++i) {
      weights[tensors[i].name] = shard.name;
      total += sizes_[i];
    }
  const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", weights}};
  index_ = index.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<SafetensorsWriter> SafetensorsWriter::create(const std::string& folder, std::span<const TensorView> tensors,
                                                    const Options& options) {
  SafetensorsWriter writer;
  writer.folder_ = folder;
  writer.name_ = options.name;
  std::unordered_set<std::string_view> names;
  int64_t total = 0;
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      return corrupt(fmt::format("{}: tensor {} is there twice, needed: each name once", folder, shown(tensor.name)));
    const auto bytes = size_of(folder, tensor);
    if (!bytes) return bytes.status();
    const auto sum = checked_add(total, *bytes);
    if (!sum) return unsupported(folder + ": the tensors take more than 2^63 bytes, needed: fewer");
    total = *sum;
    writer.sizes_.push_back(*bytes);
  }
  writer.divide(tensors, options);
  for (const Shard& shard : writer.shards_)
    if (Status status = writer.open_shard(shard, tensors, options.metadata); !status.ok()) return status;
  if (writer.shards_.size() > 1) writer.make_index(tensors);
  return writer;
}

Status SafetensorsWriter::write(std::span<const std::byte> bytes) {
  while (tensor_ < sizes_.size() && written_ == sizes_[tensor_]) {
    ++tensor_;
    written_ = 0;
  }
  const auto count = static_cast<int64_t>(bytes.size());
  if (tensor_ == sizes_.size() || count > sizes_[tensor_] - written_)
    return failed(fmt::format("{}: {} bytes are written to tensor {} of {}, needed: at most {}", folder_, count,
                              tensor_, sizes_.size(), tensor_ == sizes_.size() ? 0 : sizes_[tensor_] - written_));
  while (tensor_ >= shards_[shard_].end) ++shard_;
  written_ += count;
  return files_[shard_].write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Status SafetensorsWriter::commit() {
  while (tensor_ < sizes_.size() && written_ == sizes_[tensor_]) {
    ++tensor_;
    written_ = 0;
  }
  if (tensor_ != sizes_.size())
    return failed(
        fmt::format("{}: {} of {} tensors are written, needed: all of them", folder_, tensor_, sizes_.size()));
  for (AtomicFile& file : files_)
    if (Status status = file.commit(); !status.ok()) return status;
  return index_.empty() ? Status() : write_file(folder_ + "/" + name_ + ".safetensors.index.json", index_);
}

}  // namespace lathe
