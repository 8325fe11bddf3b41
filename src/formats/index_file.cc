#include "formats/index_file.h"

#include <cstring>
#include <fstream>
#include <optional>

#include "base/bounded_json.h"
#include "base/checked.h"
#include "base/shown.h"
#include "formats/index_layout.h"
#include "quant/row_integers.h"

namespace lathe {
namespace {

using namespace index_layout;

constexpr std::pair<std::string_view, IndexStore> kStores[] = {
    {"f32", IndexStore::f32}, {"bf16", IndexStore::bf16}, {"int8", IndexStore::int8}};
constexpr int64_t kElementBytes[] = {4, 2, 1};

Status wrong(std::string_view name, const std::string& field, const std::string& found, const std::string& needed) {
  return corrupt(std::string(name) + ": " + field + " is " + found + ", needed: " + needed);
}

template <class Record>
Record record_at(std::span<const std::byte> records, int64_t i) {
  Record record;
  std::memcpy(&record, records.data() + i * static_cast<int64_t>(sizeof record), sizeof record);
  return record;
}

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// [offset, offset + bytes) lies within [0, size).
bool within(uint64_t offset, uint64_t bytes, uint64_t size) { return offset <= size && bytes <= size - offset; }

// Lines are numbered from 1, and each before a place ends with a byte of its own.
bool possible_lines(const ChunkRecord& r) {
  return r.first_line >= 1 && r.first_line - 1 <= r.begin && r.last_line >= r.first_line &&
         r.last_line - r.first_line <= r.end - r.begin;
}

// The sections stand in their order, aligned, within the file.
Status cut_sections(const Header& header, std::span<const std::byte> bytes, std::string_view name,
                    std::span<const std::byte> (&out)[kSections]) {
  uint64_t end = sizeof(Header);
  for (int s = 0; s < kSections; ++s) {
    const auto [offset, size] = header.sections[s];
    const std::string field = std::string("the section '") + kSectionNames[s] + "'";
    const std::string found = std::to_string(size) + " bytes at " + std::to_string(offset);
    if (!within(offset, size, bytes.size()))
      return wrong(name, field, found, "within the " + std::to_string(bytes.size()) + " bytes of the file");
    if (offset < end || offset % kAlignment != 0)
      return wrong(name, field, found, "a multiple of 64 from " + std::to_string(end) + " on");
    out[s] = bytes.subspan(offset, size);
    end = offset + size;
  }
  return {};
}

Status expect_size(std::string_view name, Section section, std::span<const std::byte> bytes,
                   std::optional<int64_t> needed) {
  if (needed && static_cast<int64_t>(bytes.size()) == *needed) return {};
  return wrong(name, std::string("the section '") + kSectionNames[section] + "'",
               std::to_string(bytes.size()) + " bytes long",
               needed ? std::to_string(*needed) : std::string("counts whose product fits"));
}

Result<IndexMeta> parse_meta(std::string_view text, std::string_view name) {
  const std::string file = std::string(name) + ": meta";
  const auto json = parse_json(text, file, {.depth = 4, .token = 1 << 16, .values = 256});
  if (!json) return json.status();
  if (!json->is_object()) return wrong(name, "meta", "no object", "an object");
  IndexMeta meta;
  const std::pair<const char*, std::string*> texts[] = {
      {"model", &meta.model}, {"fingerprint", &meta.fingerprint}, {"dtype", &meta.dtype}, {"roots", &meta.roots}};
  for (const auto& [key, value] : texts) {
    if (!json->contains(key) || !(*json)[key].is_string())
      return wrong(name, std::string("meta.") + key, "no text", "a text");
    *value = (*json)[key].get<std::string>();
  }
  const std::pair<const char*, int64_t*> numbers[] = {
      {"keep", &meta.keep}, {"chunk_tokens", &meta.chunk_tokens}, {"overlap", &meta.overlap}};
  for (const auto& [key, value] : numbers) {
    if (!json->contains(key) || !(*json)[key].is_number_unsigned() || (*json)[key].get<uint64_t>() > INT32_MAX)
      return wrong(name, std::string("meta.") + key, "no such number", "0 to 2147483647");
    *value = (*json)[key].get<int64_t>();
  }
  return meta;
}

}  // namespace

std::string_view index_store_name(IndexStore store) { return kStores[static_cast<size_t>(store)].first; }

Result<IndexStore> parse_index_store(std::string_view name) {
  for (const auto& [known, store] : kStores)
    if (known == name) return store;
  return invalid_argument("--store is " + shown(name) + ", needed: f32, bf16 or int8");
}

Status IndexFile::read_header(std::string_view name) {
  if (bytes_.size() >= sizeof kMagic && std::memcmp(bytes_.data(), kMagic, sizeof kMagic) != 0)
    return corrupt(std::string(name) + ": does not begin with LATHEIDX; is it an index?");
  if (bytes_.size() < sizeof(Header))
    return wrong(name, "the file", std::to_string(bytes_.size()) + " bytes long", "a header of 192 at least");
  const auto header = record_at<Header>(bytes_, 0);
  if (header.version != kVersion)
    return unsupported(std::string(name) + ": is an index of version " + std::to_string(header.version) +
                       ", needed: " + std::to_string(kVersion) + "; index with --rebuild");
  if (header.store > static_cast<uint32_t>(IndexStore::int8))
    return wrong(name, "store", std::to_string(header.store), "0 (f32), 1 (bf16) or 2 (int8)");
  if (header.file_bytes != bytes_.size())
    return wrong(name, "the file", std::to_string(bytes_.size()) + " bytes long",
                 std::to_string(header.file_bytes) + ", as its header says");
  if (header.dim < 1 || header.dim > kMostRowDim)
    return wrong(name, "dim", std::to_string(header.dim), "1 to " + std::to_string(kMostRowDim));
  if (header.files > bytes_.size() || header.chunks > bytes_.size())
    return wrong(name, "the number of files or chunks",
                 std::to_string(header.files) + " and " + std::to_string(header.chunks), "what the file has room for");
  std::span<const std::byte> sections[kSections];
  if (Status status = cut_sections(header, bytes_, name, sections); !status.ok()) return status;
  store_ = static_cast<IndexStore>(header.store);
  dim_ = static_cast<int64_t>(header.dim);
  files_ = static_cast<int64_t>(header.files);
  chunks_ = static_cast<int64_t>(header.chunks);
  meta_json_ = sections[kMeta], file_records_ = sections[kFiles], chunk_records_ = sections[kChunks];
  text_ = sections[kText], vectors_ = sections[kVectors], scales_ = sections[kScales];
  exact_ = store_ == IndexStore::f32 ? vectors_ : sections[kExact];

  const auto elements = checked_mul(chunks_, dim_);
  const auto sized = [&](int64_t bytes) { return elements ? checked_mul(*elements, bytes) : std::nullopt; };
  const std::pair<Section, std::optional<int64_t>> needed[] = {
      {kFiles, checked_mul(files_, sizeof(FileRecord))},
      {kChunks, checked_mul(chunks_, sizeof(ChunkRecord))},
      {kVectors, sized(kElementBytes[header.store])},
      {kScales, store_ == IndexStore::int8 ? checked_mul(chunks_, 4) : 0},
      {kExact, store_ == IndexStore::f32 ? 0 : sized(4)}};
  for (const auto& [section, bytes] : needed)
    if (Status status = expect_size(name, section, sections[section], bytes); !status.ok()) return status;
  return {};
}

// The files' runs of chunks follow each other and hold them all.
Status IndexFile::check_files(std::string_view name) const {
  uint64_t next = 0;
  for (int64_t i = 0; i < files_; ++i) {
    const auto r = record_at<FileRecord>(file_records_, i);
    const std::string field = "file " + std::to_string(i);
    if (!within(r.path_offset, r.path_bytes, text_.size()))
      return wrong(name, field + "'s path", std::to_string(r.path_bytes) + " bytes at " + std::to_string(r.path_offset),
                   "within the " + std::to_string(text_.size()) + " of the text section");
    if (r.first_chunk != next || r.chunks > static_cast<uint64_t>(chunks_) - next)
      return wrong(
          name, field + "'s chunks", std::to_string(r.chunks) + " from " + std::to_string(r.first_chunk),
          "from " + std::to_string(next) + ", at most " + std::to_string(static_cast<uint64_t>(chunks_) - next));
    if (r.bytes > INT64_MAX) return wrong(name, field + "'s size", std::to_string(r.bytes), "less than 2^63");
    next += r.chunks;
  }
  if (next == static_cast<uint64_t>(chunks_)) return {};
  return wrong(name, "the number of chunks of all files", std::to_string(next), std::to_string(chunks_));
}

Status IndexFile::check_chunks(std::string_view name) const {
  for (int64_t f = 0; f < files_; ++f) {
    const auto file = record_at<FileRecord>(file_records_, f);
    for (uint64_t i = file.first_chunk; i < file.first_chunk + file.chunks; ++i) {
      const auto r = record_at<ChunkRecord>(chunk_records_, static_cast<int64_t>(i));
      const std::string_view bad = r.file != static_cast<uint64_t>(f)                         ? "file"
                                   : r.begin > r.end || r.end > file.bytes                    ? "byte range"
                                   : !within(r.text_offset, r.end - r.begin, text_.size())    ? "text"
                                   : !within(r.heading_offset, r.heading_bytes, text_.size()) ? "heading"
                                   : !possible_lines(r)                                       ? "line range"
                                                                                              : "";
      if (!bad.empty())
        return corrupt(std::string(name) + ": chunk " + std::to_string(i) + " of file " + std::to_string(f) + ": its " +
                       std::string(bad) + " contradicts the file's or the section's size");
    }
  }
  return {};
}

Result<IndexFile> IndexFile::parse(std::span<const std::byte> bytes, std::string_view name) {
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment != 0)
    return invalid_argument(std::string(name) + ": is not aligned in memory, needed: to 64 bytes");
  IndexFile index;
  index.bytes_ = bytes;
  if (Status status = index.read_header(name); !status.ok()) return status;
  auto meta = parse_meta(as_text(index.meta_json_), name);
  if (!meta) return meta.status();
  index.meta_ = std::move(*meta);
  if (Status status = index.check_files(name); !status.ok()) return status;
  if (Status status = index.check_chunks(name); !status.ok()) return status;
  return index;
}

Result<IndexFile> IndexFile::open(const std::string& path) {
  auto mapping = MappedFile::open(path);
  if (!mapping) return mapping.status();
  auto index = parse(mapping->bytes(), path);
  if (index) index->mapping_ = std::move(*mapping);
  return index;
}

IndexedFile IndexFile::file(int64_t i) const {
  const auto r = record_at<FileRecord>(file_records_, i);
  const std::string_view records = as_text(file_records_);
  const size_t at = static_cast<size_t>(i) * sizeof(FileRecord) + offsetof(FileRecord, sha256);
  return {.path = as_text(text_).substr(r.path_offset, r.path_bytes),
          .sha256 = records.substr(at, sizeof r.sha256),
          .bytes = static_cast<int64_t>(r.bytes),
          .mtime_ns = r.mtime_ns,
          .first_chunk = static_cast<int64_t>(r.first_chunk),
          .chunks = static_cast<int64_t>(r.chunks)};
}

IndexedChunk IndexFile::chunk(int64_t i) const {
  const auto r = record_at<ChunkRecord>(chunk_records_, i);
  return {.file = static_cast<int64_t>(r.file),
          .heading = as_text(text_).substr(r.heading_offset, r.heading_bytes),
          .text = as_text(text_).substr(r.text_offset, r.end - r.begin),
          .begin = static_cast<int64_t>(r.begin),
          .end = static_cast<int64_t>(r.end),
          .first_line = static_cast<int64_t>(r.first_line),
          .last_line = static_cast<int64_t>(r.last_line)};
}

bool looks_like_index(const std::string& path) {
  char head[sizeof kMagic] = {};
  std::ifstream(path, std::ios::binary).read(head, sizeof head);
  return std::memcmp(head, kMagic, sizeof kMagic) == 0;
}

}  // namespace lathe
