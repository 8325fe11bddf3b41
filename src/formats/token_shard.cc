#include "formats/token_shard.h"

#include <algorithm>
#include <cstring>

#include "base/bounded_json.h"
#include "base/checked.h"
#include "base/shown.h"
#include "formats/token_shard_layout.h"

namespace lathe {

using namespace token_shard_layout;

namespace {

constexpr uint64_t kMostVocabulary = uint64_t{1} << 31;
constexpr uint64_t kMostMeta = 1 << 20;
constexpr size_t kMostFiles = 16;

Status wrong(std::string_view name, const std::string& field, const std::string& found, const std::string& needed) {
  return corrupt(std::string(name) + ": " + field + " is " + found + ", needed: " + needed);
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Result<Head> read_head(std::span<const std::byte> bytes, std::string_view name) {
  if (!looks_like_token_shard(bytes))
    return corrupt(std::string(name) + ": does not begin with LATHETOK; is it a shard? 'lathe data build' makes one");
  if (bytes.size() < sizeof(Head) + sizeof(Tail))
    return wrong(name, "the file", std::to_string(bytes.size()) + " bytes long",
                 std::to_string(sizeof(Head) + sizeof(Tail)) + " at least");
  Head head;
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.version != kVersion)
    return unsupported(std::string(name) + ": is a shard of version " + std::to_string(head.version) +
                       ", needed: " + std::to_string(kVersion));
  if (head.id_bytes != 2 && head.id_bytes != 4)
    return wrong(name, "the size of an id", std::to_string(head.id_bytes) + " bytes", "2 or 4");
  return head;
}

// Ids from 64 on, then the meta, all before the tail.
Status check_sizes(const Head& head, const Tail& tail, uint64_t size, std::string_view name) {
  if (tail.file_bytes != size)
    return wrong(name, "the file", std::to_string(size) + " bytes long",
                 std::to_string(tail.file_bytes) + ", as its tail says");
  const uint64_t room = size - sizeof(Head) - sizeof(Tail);
  if (tail.count > room / head.id_bytes)
    return wrong(name, "the number of ids", std::to_string(tail.count),
                 "at most the " + std::to_string(room / head.id_bytes) + " that the file has room for");
  if (tail.train_count > tail.count)
    return wrong(name, "the number of ids to train on", std::to_string(tail.train_count),
                 "at most the " + std::to_string(tail.count) + " that there are");
  if (tail.vocabulary < 1 || tail.vocabulary > kMostVocabulary)
    return wrong(name, "the vocabulary", std::to_string(tail.vocabulary), "1 to 2147483648");
  const uint64_t ids_end = sizeof(Head) + tail.count * head.id_bytes, tail_at = size - sizeof(Tail);
  if (tail.meta_at < ids_end || tail.meta_at > tail_at || tail.meta_bytes > tail_at - tail.meta_at ||
      tail.meta_bytes > kMostMeta)
    return wrong(name, "the meta section",
                 std::to_string(tail.meta_bytes) + " bytes at " + std::to_string(tail.meta_at),
                 "at most 1048576 between " + std::to_string(ids_end) + " and " + std::to_string(tail_at));
  return {};
}

bool plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name[0] != '.' && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

Result<int64_t> whole(const nlohmann::json& json, const char* key, int64_t least, int64_t most, std::string_view name) {
  const auto at = json.find(key);
  if (at == json.end() || !at->is_number_integer() || (at->is_number_unsigned() && at->get<uint64_t>() > INT64_MAX) ||
      at->get<int64_t>() < least || at->get<int64_t>() > most)
    return wrong(name, std::string("meta.") + key, "no such number",
                 std::to_string(least) + " to " + std::to_string(most));
  return at->get<int64_t>();
}

// The tokenizer's files, which lie one after the other in `blob`.
Status read_tokenizer(const nlohmann::json& json, std::string_view blob, std::string_view name,
                      std::vector<NamedFile>& out) {
  const auto files = json.find("tokenizer");
  if (files == json.end() || !files->is_array() || files->size() > kMostFiles)
    return wrong(name, "meta.tokenizer", "no such list", "one of at most 16 files");
  for (const nlohmann::json& file : *files) {
    if (!file.is_object()) return wrong(name, "meta.tokenizer", "a list of something else", "a list of objects");
    const auto bytes = whole(file, "bytes", 0, static_cast<int64_t>(blob.size()), name);
    if (!bytes) return bytes.status();
    const auto called = file.find("name");
    if (called == file.end() || !called->is_string() || !plain_name(called->get_ref<const std::string&>()))
      return wrong(name, "the name of a tokenizer's file", "none", "letters, digits, '.', '_' and '-', 64 at most");
    out.push_back({called->get<std::string>(), std::string(blob.substr(0, static_cast<size_t>(*bytes)))});
    blob.remove_prefix(static_cast<size_t>(*bytes));
  }
  return {};
}

Status read_meta(std::string_view meta, std::string_view blob, std::string_view name, int64_t count,
                 TokenShardInfo& info) {
  const auto json = parse_json(meta, std::string(name) + ": meta", {.depth = 4, .token = 1 << 16, .values = 256});
  if (!json) return json.status();
  if (!json->is_object()) return wrong(name, "meta", "no object", "an object");
  const auto source = json->find("source");
  if (source == json->end() || !source->is_string()) return wrong(name, "meta.source", "no text", "a text");
  info.source = source->get<std::string>();
  const auto documents = whole(*json, "documents", 0, count, name);
  if (!documents) return documents.status();
  info.documents = *documents;
  const auto separator = whole(*json, "separator", -1, info.vocabulary - 1, name);
  if (!separator) return separator.status();
  info.separator = static_cast<int32_t>(*separator);
  return read_tokenizer(*json, blob, name, info.tokenizer);
}

template <class Id>
Id id_at(std::span<const std::byte> ids, int64_t i) {
  Id id;
  std::memcpy(&id, ids.data() + i * static_cast<int64_t>(sizeof id), sizeof id);
  return id;
}

template <class Id>
void copy_ids(std::span<const std::byte> ids, int64_t begin, std::span<int32_t> out) {
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<int32_t>(id_at<Id>(ids, begin + static_cast<int64_t>(i)));
}

// The place of the first id that is not below `vocabulary`, or -1. Maxima of blocks are what the compiler vectorises.
template <class Id>
int64_t first_beyond(std::span<const std::byte> ids, int64_t count, uint64_t vocabulary) {
  constexpr int64_t kBlock = 4096;
  for (int64_t at = 0; at < count; at += kBlock) {
    const int64_t end = std::min(count, at + kBlock);
    Id most = 0;
    for (int64_t i = at; i < end; ++i) most = std::max(most, id_at<Id>(ids, i));
    if (most < vocabulary) continue;
    for (int64_t i = at; i < end; ++i)
      if (id_at<Id>(ids, i) >= vocabulary) return i;
  }
  return -1;
}

}  // namespace

bool looks_like_token_shard(std::span<const std::byte> bytes) {
  return bytes.size() >= sizeof kMagic && std::memcmp(bytes.data(), kMagic, sizeof kMagic) == 0;
}

Status TokenShard::check_ids(std::string_view name) const {
  const auto vocabulary = static_cast<uint64_t>(info_.vocabulary);
  const int64_t at = id_bytes_ == 2 ? first_beyond<uint16_t>(ids_, count_, vocabulary)
                                    : first_beyond<uint32_t>(ids_, count_, vocabulary);
  if (at < 0) return {};
  const uint32_t id = id_bytes_ == 2 ? id_at<uint16_t>(ids_, at) : id_at<uint32_t>(ids_, at);
  return wrong(name, "id number " + std::to_string(at), std::to_string(id),
               "below the vocabulary of " + std::to_string(info_.vocabulary));
}

Result<TokenShard> TokenShard::parse(std::span<const std::byte> bytes, std::string_view name) {
  const auto head = read_head(bytes, name);
  if (!head) return head.status();
  const size_t tail_at = bytes.size() - sizeof(Tail);
  Tail tail;
  std::memcpy(&tail, bytes.data() + tail_at, sizeof tail);
  if (std::memcmp(tail.magic, kMagic, sizeof kMagic) != 0)
    return corrupt(std::string(name) + ": does not end as a shard does; was it cut short?");
  if (tail_checksum(tail) != std::string_view(tail.tail_sha256, sizeof tail.tail_sha256))
    return corrupt(std::string(name) + ": the tail does not have the SHA-256 that it names; build the shard again");
  if (Status status = check_sizes(*head, tail, bytes.size(), name); !status.ok()) return status;
  if (sha256_hex(as_text(bytes.first(tail_at))) != std::string_view(tail.body_sha256, sizeof tail.body_sha256))
    return corrupt(std::string(name) + ": the content does not have the SHA-256 that it names; build the shard again");

  TokenShard shard;
  shard.id_bytes_ = static_cast<int>(head->id_bytes);
  shard.count_ = static_cast<int64_t>(tail.count);
  shard.ids_ = bytes.subspan(sizeof(Head), tail.count * head->id_bytes);
  shard.info_.vocabulary = static_cast<int64_t>(tail.vocabulary);
  shard.info_.train_count = static_cast<int64_t>(tail.train_count);
  shard.sha256_.assign(tail.tail_sha256, sizeof tail.tail_sha256);
  const auto behind = as_text(bytes.subspan(tail.meta_at, tail_at - tail.meta_at));
  if (Status status =
          read_meta(behind.substr(0, tail.meta_bytes), behind.substr(tail.meta_bytes), name, shard.count_, shard.info_);
      !status.ok())
    return status;
  if (Status status = shard.check_ids(name); !status.ok()) return status;
  return shard;
}

Result<TokenShard> TokenShard::parse_flat(std::span<const std::byte> bytes, std::string_view name, int64_t vocabulary) {
  if (vocabulary < 1)
    return invalid_argument(std::string(name) +
                            ": is no shard, and bare ids have no vocabulary, needed: one from the model's "
                            "configuration, or a shard, which 'lathe data build' makes of a text");
  if (bytes.size() % 2 != 0)
    return wrong(name, "the file", std::to_string(bytes.size()) + " bytes long",
                 "ids of 2 bytes each, or a shard that 'lathe data build' made of a text");
  TokenShard shard;
  shard.ids_ = bytes;
  shard.count_ = static_cast<int64_t>(bytes.size() / 2);
  shard.info_ = {.source = std::string(name), .vocabulary = vocabulary, .train_count = shard.count_};
  if (Status status = shard.check_ids(name); !status.ok())
    return corrupt(status.message() + "; of a text, 'lathe data build' makes a shard");
  shard.sha256_ = sha256_hex(as_text(bytes));
  return shard;
}

Result<TokenShard> TokenShard::open(const std::string& path) {
  auto mapping = MappedFile::open(path);
  if (!mapping) return mapping.status();
  mapping->advise(MappedFile::Advice::sequential);
  auto shard = parse(mapping->bytes(), path);
  if (shard) shard->mapping_ = std::move(*mapping);
  return shard;
}

Result<TokenShard> TokenShard::open_any(const std::string& path, int64_t vocabulary) {
  auto mapping = MappedFile::open(path);
  if (!mapping) return mapping.status();
  auto shard = looks_like_token_shard(mapping->bytes()) ? parse(mapping->bytes(), path)
                                                        : parse_flat(mapping->bytes(), path, vocabulary);
  if (shard) shard->mapping_ = std::move(*mapping);
  return shard;
}

void TokenShard::read(int64_t begin, std::span<int32_t> out) const {
  if (id_bytes_ == 2)
    copy_ids<uint16_t>(ids_, begin, out);
  else
    copy_ids<uint32_t>(ids_, begin, out);
}

}  // namespace lathe
