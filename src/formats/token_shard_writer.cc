#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/checked.h"
#include "formats/token_shard.h"
#include "formats/token_shard_layout.h"

namespace lathe {

using namespace token_shard_layout;

namespace {

constexpr size_t kBuffer = 1 << 20;
constexpr int64_t kMostVocabulary = int64_t{1} << 31;

std::string meta_json(const TokenShardInfo& info) {
  nlohmann::json files = nlohmann::json::array();
  for (const NamedFile& file : info.tokenizer) files.push_back({{"name", file.name}, {"bytes", file.bytes.size()}});
  const nlohmann::json json = {{"source", info.source},
                               {"documents", info.documents},
                               {"separator", info.separator},
                               {"tokenizer", std::move(files)}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

template <class Id>
void append_ids(std::span<const int32_t> ids, std::string& out) {
  for (const int32_t id : ids) {
    const auto narrow = static_cast<Id>(id);
    out.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
  }
}

}  // namespace

Result<TokenShardWriter> TokenShardWriter::create(const std::string& path, int64_t vocabulary) {
  if (vocabulary < 1 || vocabulary > kMostVocabulary)
    return invalid_argument(path + ": the vocabulary has " + std::to_string(vocabulary) +
                            " tokens, needed: 1 to 2147483648");
  auto file = AtomicFile::create(path);
  if (!file) return file.status();
  TokenShardWriter writer(std::move(*file), vocabulary, vocabulary <= 65536 ? 2 : 4);
  Head head{};
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  head.version = kVersion;
  head.id_bytes = static_cast<uint32_t>(writer.id_bytes_);
  if (Status status = writer.write({reinterpret_cast<const char*>(&head), sizeof head}); !status.ok()) return status;
  return writer;
}

Status TokenShardWriter::write(std::string_view bytes) {
  at_ += static_cast<int64_t>(bytes.size());
  buffer_ += bytes;
  return buffer_.size() < kBuffer ? Status() : flush();
}

Status TokenShardWriter::flush() {
  hash_.add(buffer_);
  Status status = file_.write(buffer_);
  buffer_.clear();
  return status;
}

Status TokenShardWriter::pad() {
  static constexpr char kZeros[kAlignment] = {};
  return write({kZeros, static_cast<size_t>(round_up(at_, kAlignment) - at_)});
}

Status TokenShardWriter::add(std::span<const int32_t> ids) {
  for (const int32_t id : ids)
    if (id < 0 || id >= vocabulary_)
      return invalid_argument(file_.path() + ": the tokenizer gives id " + std::to_string(id) +
                              ", needed: one of 0 to " + std::to_string(vocabulary_ - 1));
  constexpr size_t kAtOnce = kBuffer / 8;
  for (; !ids.empty(); ids = ids.subspan(std::min(kAtOnce, ids.size()))) {
    const auto part = ids.first(std::min(kAtOnce, ids.size()));
    const size_t before = buffer_.size();
    if (id_bytes_ == 2)
      append_ids<uint16_t>(part, buffer_);
    else
      append_ids<uint32_t>(part, buffer_);
    at_ += static_cast<int64_t>(buffer_.size() - before);
    count_ += static_cast<int64_t>(part.size());
    if (buffer_.size() < kBuffer) continue;
    if (Status status = flush(); !status.ok()) return status;
  }
  return {};
}

Status TokenShardWriter::finish(const TokenShardInfo& info) {
  if (info.train_count < 0 || info.train_count > count_ || info.vocabulary != vocabulary_)
    return failed(file_.path() + ": " + std::to_string(info.train_count) + " ids of a vocabulary of " +
                  std::to_string(info.vocabulary) + " are for training, needed: at most the " + std::to_string(count_) +
                  " that were written, of " + std::to_string(vocabulary_));
  if (Status status = pad(); !status.ok()) return status;
  Tail tail{};
  tail.meta_at = static_cast<uint64_t>(at_);
  const std::string meta = meta_json(info);
  tail.meta_bytes = meta.size();
  if (Status status = write(meta); !status.ok()) return status;
  for (const NamedFile& file : info.tokenizer)
    if (Status status = write(file.bytes); !status.ok()) return status;
  if (Status status = pad(); !status.ok()) return status;
  if (Status status = flush(); !status.ok()) return status;
  tail.count = static_cast<uint64_t>(count_);
  tail.train_count = static_cast<uint64_t>(info.train_count);
  tail.vocabulary = static_cast<uint64_t>(vocabulary_);
  tail.file_bytes = static_cast<uint64_t>(at_) + sizeof tail;
  std::memcpy(tail.body_sha256, hash_.hex().data(), sizeof tail.body_sha256);
  std::memcpy(tail.magic, kMagic, sizeof kMagic);
  const std::string checksum = tail_checksum(tail);
  std::memcpy(tail.tail_sha256, checksum.data(), sizeof tail.tail_sha256);
  if (Status status = file_.write({reinterpret_cast<const char*>(&tail), sizeof tail}); !status.ok()) return status;
  return file_.commit();
}

}  // namespace lathe
