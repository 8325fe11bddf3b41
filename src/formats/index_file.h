// The file of `lathe index`: where every chunk of every file came from, its text, its vector. docs/formats.md has the
// layout. Read through a mapping; everything is checked once, when the file is opened, against the file's length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"
#include "platform/mapped_file.h"

namespace lathe {

enum class IndexStore : uint32_t { f32 = 0, bf16 = 1, int8 = 2 };
std::string_view index_store_name(IndexStore store);
Result<IndexStore> parse_index_store(std::string_view name);

// What the vectors depend on. Two indexes of equal `made_with()` may share vectors.
struct IndexMeta {
  std::string model;        // as the user called it; an absolute path where it is one
  std::string fingerprint;  // of the model's files
  std::string dtype;        // of the weights: f32, bf16, q8_0
  int64_t keep = 0;         // --dim; 0: all
  int64_t chunk_tokens = 0, overlap = 0;
  std::string roots;  // what was indexed, for people

  bool operator==(const IndexMeta&) const = default;
};

struct IndexedFile {
  std::string_view path = {};
  std::string_view sha256 = {};  // of the content, 64 hexadecimal digits
  int64_t bytes = 0;
  int64_t mtime_ns = 0;
  int64_t first_chunk = 0, chunks = 0;
};

struct IndexedChunk {
  int64_t file = 0;
  std::string_view heading = {};  // "Install > Linux": the Markdown headings above it
  std::string_view text = {};     // the bytes [begin, end) of the file
  int64_t begin = 0, end = 0;
  int64_t first_line = 0, last_line = 0;  // from 1
};

class IndexFile {
 public:
  // `bytes` begin at a multiple of 64 and outlive the index; `name` is what errors call it.
  static Result<IndexFile> parse(std::span<const std::byte> bytes, std::string_view name);
  static Result<IndexFile> open(const std::string& path);

  const IndexMeta& meta() const { return meta_; }
  IndexStore store() const { return store_; }
  int64_t dim() const { return dim_; }
  int64_t files() const { return files_; }
  int64_t chunks() const { return chunks_; }
  int64_t bytes() const { return static_cast<int64_t>(bytes_.size()); }

  IndexedFile file(int64_t i) const;
  IndexedChunk chunk(int64_t i) const;

  const void* vectors() const { return vectors_.data(); }                                 // [chunks, dim], of store()
  const float* scales() const { return reinterpret_cast<const float*>(scales_.data()); }  // int8: [chunks]
  const float* exact() const { return reinterpret_cast<const float*>(exact_.data()); }    // [chunks, dim]

 private:
  Status read_header(std::string_view name);
  Status check_files(std::string_view name) const;
  Status check_chunks(std::string_view name) const;

  MappedFile mapping_;
  IndexMeta meta_;
  IndexStore store_ = IndexStore::f32;
  int64_t dim_ = 0, files_ = 0, chunks_ = 0;
  std::span<const std::byte> bytes_, meta_json_, file_records_, chunk_records_, text_, vectors_, scales_, exact_;
};

// True where the file begins as an index does, whatever follows: what a writer may replace.
bool looks_like_index(const std::string& path);

}  // namespace lathe
