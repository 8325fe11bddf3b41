// The records of an index file as they lie in it, little-endian. Reader and writer alone include this.
#pragma once

#include <cstdint>

namespace lathe::index_layout {

constexpr char kMagic[8] = {'L', 'A', 'T', 'H', 'E', 'I', 'D', 'X'};
constexpr uint32_t kVersion = 1;
constexpr int64_t kAlignment = 64;  // of every section

enum Section { kMeta, kFiles, kChunks, kText, kVectors, kScales, kExact, kSections };
constexpr const char* kSectionNames[kSections] = {"meta", "files", "chunks", "text", "vectors", "scales", "exact"};

struct SectionRecord {
  uint64_t offset, bytes;
};

struct Header {
  char magic[8];
  uint32_t version, store;
  uint64_t file_bytes, dim, files, chunks;
  SectionRecord sections[kSections];
  uint64_t zero[4];
};
static_assert(sizeof(Header) == 192);

struct FileRecord {
  uint64_t path_offset, path_bytes;  // in the text section
  uint64_t bytes;
  int64_t mtime_ns;
  uint64_t first_chunk, chunks;
  char sha256[64];
};
static_assert(sizeof(FileRecord) == 112);

struct ChunkRecord {
  uint64_t file;
  uint64_t heading_offset, text_offset;  // in the text section
  uint64_t begin, end;                   // of the text, in the file
  uint64_t first_line, last_line;
  uint64_t heading_bytes;
};
static_assert(sizeof(ChunkRecord) == 64);

}  // namespace lathe::index_layout
