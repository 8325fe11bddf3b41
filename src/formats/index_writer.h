// Builds an index file: files and their chunks in order, vectors as f32, stored as the index keeps them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/index_file.h"

namespace lathe {

class IndexWriter {
 public:
  IndexWriter(IndexMeta meta, IndexStore store, int64_t dim) : meta_(std::move(meta)), store_(store), dim_(dim) {}

  // The chunks that follow belong to it. `sha256` has 64 digits.
  void add_file(std::string_view path, std::string_view sha256, int64_t bytes, int64_t mtime_ns);
  // `chunk.file` is not looked at; its text is chunk.end - chunk.begin bytes. The vector has `dim` elements.
  void add_chunk(const IndexedChunk& chunk, std::span<const float> vector);

  int64_t files() const { return static_cast<int64_t>(files_.size() / kFileBytes); }
  int64_t chunks() const { return static_cast<int64_t>(chunks_.size() / kChunkBytes); }

  // Whole or not at all, as write_file has it.
  Status write(const std::string& path) const;
  std::string bytes() const;  // of the file, for tests

 private:
  static constexpr size_t kFileBytes = 112, kChunkBytes = 64;

  struct Parts;
  Parts parts() const;
  uint64_t add_text(std::string_view text);

  IndexMeta meta_;
  IndexStore store_;
  int64_t dim_;
  std::string files_, chunks_, text_, vectors_, scales_, exact_;
};

}  // namespace lathe
