#include "run/model_store.h"

#include <unistd.h>

#include <filesystem>

#include "base/sha256.h"
#include "kernels/matmul/layout.h"
#include "run/source_hash.h"

namespace lathe::run {
namespace {

std::string stored_name(std::optional<matmul::Type> stored) {
  return stored ? std::string(type_name(*stored)) : "as in the file";
}

// All that decides the bytes of the panels.
std::string key_of(std::span<const MappedFile* const> sources, const std::string& folder,
                   std::optional<matmul::Type> stored, std::string_view binding) {
  std::string text = "lathe packed weights, version " + std::to_string(kPackedVersion);
  text += "\nstored " + stored_name(stored);
  if (stored) text += " in " + std::string(layout_name(prepared_layout(*stored)));
  text.append("\nbound by ").append(binding);
  for (const MappedFile* source : sources) text += "\nsource " + source_hash(*source, folder).sha256;
  return sha256_hex(text);
}

std::string absolute(const std::string& path) {
  std::error_code error;
  const auto real = std::filesystem::canonical(path, error);
  return error ? path : real.string();
}

}  // namespace

ModelStore::ModelStore(CacheOptions options, std::vector<const MappedFile*> sources, const std::string& model,
                       std::optional<matmul::Type> stored, std::string_view binding)
    : options_(std::move(options)), sources_(std::move(sources)) {
  if (options_.folder.empty()) return;
  folder_.emplace(options_.folder);
  info_.model = absolute(model);
  info_.stored = stored_name(stored);
  const Status status = look_up(stored, binding);
  if (!status.ok()) give_up(status);
}

Status ModelStore::look_up(std::optional<matmul::Type> stored, std::string_view binding) {
  if (Status status = folder_->create(); !status.ok()) return status;
  info_.key = key_of(sources_, options_.folder, stored, binding);
  const std::string path = folder_->packed_path(info_.key);
  auto packed = PackedFile::open(path, info_.key);
  if (packed) {
    packed_ = std::make_shared<const PackedFile>(std::move(*packed));
    packed_->file().advise(MappedFile::Advice::will_need);  // a disk reads while the tokenizer loads
    CacheFolder::touch(path);
    return {};
  }
  if (packed.status().code() != Code::not_found && options_.warn)
    options_.warn(packed.status().message() + "; the weights are packed again");
  return begin_writing();
}

ModelStore::~ModelStore() {
  if (finisher_.joinable()) finisher_.join();
}

Status ModelStore::begin_writing() {
  folder_->sweep();
  if (options_.most_bytes == 0) options_.most_bytes = folder_->default_most();
  auto writer = PackedWriter::create(folder_->temporary_path());
  if (!writer) return writer.status();
  writer_ = std::move(*writer);
  return {};
}

void ModelStore::give_up(const Status& status) {
  writer_.reset();
  folder_.reset();
  if (options_.warn) options_.warn("packed weights are not kept for the next start: " + status.message());
}

std::optional<ops::Weights> ModelStore::find(const ops::PackedKey& key) {
  const PackedEntry* entry = packed_ ? packed_->find(key.name) : nullptr;
  if (entry == nullptr || entry->n != key.n || entry->k != key.k || entry->layout != key.layout ||
      entry->gated != key.gated)
    return std::nullopt;
  ++found_;
  return ops::Weights::over(entry->panels, key.n, key.k, key.gated, key.layout, packed_);
}

void ModelStore::keep(const ops::PackedKey& key, const ops::Weights& weights) {
  ++prepared_;
  if (writer_ == nullptr) return;
  const std::span panels(weights.data(), static_cast<size_t>(weights.bytes()));
  if (writer_->bytes() + weights.bytes() > options_.most_bytes)
    return give_up(failed("they take more than the " + std::to_string(options_.most_bytes) + " bytes of the cache"));
  const Status status = writer_->add({key.name, key.n, key.k, key.layout, key.gated, panels});
  if (!status.ok()) give_up(status);
}

void ModelStore::used_up(std::span<const std::byte> source) {
  for (const MappedFile* file : sources_) file->advise(MappedFile::Advice::dont_need, source);  // one of them has it
}

void ModelStore::finish() {
  sources_.clear();
  if (packed_ && prepared_ > 0) {  // it lacked some: the next start makes it anew
    ::unlink(packed_->file().path().c_str());
    return;
  }
  if (writer_ == nullptr) return;
  finisher_ = std::thread([this] {
    const std::string target = folder_->packed_path(info_.key);
    if (Status status = writer_->finish(info_, target); !status.ok()) return give_up(status);
    folder_->evict(options_.most_bytes, target);
  });
}

}  // namespace lathe::run
