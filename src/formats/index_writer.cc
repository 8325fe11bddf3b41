#include "formats/index_writer.h"

#include <cassert>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/checked.h"
#include "base/types.h"
#include "formats/index_layout.h"
#include "quant/row_integers.h"

namespace lathe {

using namespace index_layout;

namespace {

template <class T>
void append(std::string& bytes, const T* values, size_t count) {
  bytes.append(reinterpret_cast<const char*>(values), count * sizeof(T));
}

std::string meta_json(const IndexMeta& meta) {
  const nlohmann::json json = {{"model", meta.model}, {"fingerprint", meta.fingerprint},   {"dtype", meta.dtype},
                               {"keep", meta.keep},   {"chunk_tokens", meta.chunk_tokens}, {"overlap", meta.overlap},
                               {"roots", meta.roots}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

uint64_t IndexWriter::add_text(std::string_view text) {
  const uint64_t offset = text_.size();
  text_ += text;
  return offset;
}

void IndexWriter::add_file(std::string_view path, std::string_view sha256, int64_t bytes, int64_t mtime_ns) {
  assert(sha256.size() == sizeof(FileRecord::sha256));
  FileRecord record = {.path_offset = add_text(path),
                       .path_bytes = path.size(),
                       .bytes = static_cast<uint64_t>(bytes),
                       .mtime_ns = mtime_ns,
                       .first_chunk = static_cast<uint64_t>(chunks()),
                       .chunks = 0,
                       .sha256 = {}};
  std::memcpy(record.sha256, sha256.data(), sizeof record.sha256);
  append(files_, &record, 1);
}

void IndexWriter::add_chunk(const IndexedChunk& chunk, std::span<const float> vector) {
  assert(!files_.empty() && static_cast<int64_t>(vector.size()) == dim_);
  const ChunkRecord record = {.file = static_cast<uint64_t>(files() - 1),
                              .heading_offset = add_text(chunk.heading),
                              .text_offset = add_text(chunk.text),
                              .begin = static_cast<uint64_t>(chunk.begin),
                              .end = static_cast<uint64_t>(chunk.end),
                              .first_line = static_cast<uint64_t>(chunk.first_line),
                              .last_line = static_cast<uint64_t>(chunk.last_line),
                              .heading_bytes = chunk.heading.size()};
  append(chunks_, &record, 1);
  char* file = files_.data() + files_.size() - sizeof(FileRecord);
  uint64_t count;
  std::memcpy(&count, file + offsetof(FileRecord, chunks), sizeof count);
  ++count;
  std::memcpy(file + offsetof(FileRecord, chunks), &count, sizeof count);

  append(exact_, vector.data(), vector.size());
  if (store_ == IndexStore::bf16)
    for (const float x : vector) {
      const bf16 b = to_bf16(x);
      append(vectors_, &b.bits, 1);
    }
  if (store_ == IndexStore::int8) {
    std::vector<int8_t> row(vector.size());
    const float scale = encode_row_s8(vector, row.data());
    append(vectors_, row.data(), row.size());
    append(scales_, &scale, 1);
  }
}

struct IndexWriter::Parts {
  Header header = {};
  std::string meta;
  std::vector<std::string_view> pieces;  // of the file, in order
};

IndexWriter::Parts IndexWriter::parts() const {
  static constexpr char kZeros[kAlignment] = {};
  Parts p;
  p.meta = meta_json(meta_);
  const bool as_they_are = store_ == IndexStore::f32;
  const std::string_view sections[kSections] = {p.meta,
                                                files_,
                                                chunks_,
                                                text_,
                                                as_they_are ? exact_ : vectors_,
                                                scales_,
                                                as_they_are ? "" : std::string_view(exact_)};
  std::memcpy(p.header.magic, kMagic, sizeof kMagic);
  p.header.version = kVersion;
  p.header.store = static_cast<uint32_t>(store_);
  p.header.dim = static_cast<uint64_t>(dim_);
  p.header.files = static_cast<uint64_t>(files());
  p.header.chunks = static_cast<uint64_t>(chunks());
  uint64_t at = sizeof(Header);
  p.pieces.emplace_back();  // the header's place
  for (int s = 0; s < kSections; ++s) {
    p.header.sections[s] = {at, sections[s].size()};
    p.pieces.push_back(sections[s]);
    at += sections[s].size();
    const uint64_t gap = (kAlignment - at % kAlignment) % kAlignment;
    p.pieces.emplace_back(kZeros, gap);
    at += gap;
  }
  p.header.file_bytes = at;
  return p;
}

Status IndexWriter::write(const std::string& path) const {
  Parts p = parts();
  p.pieces.front() = {reinterpret_cast<const char*>(&p.header), sizeof p.header};
  return write_file(path, p.pieces);
}

std::string IndexWriter::bytes() const {
  const Parts p = parts();
  std::string bytes(reinterpret_cast<const char*>(&p.header), sizeof p.header);
  for (const std::string_view piece : p.pieces) bytes += piece;
  return bytes;
}

}  // namespace lathe
