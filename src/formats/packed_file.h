// The file of packed weights that a cache keeps for a model: docs/formats.md has its bytes.
//
// Nothing in it is believed before it was checked: sizes against the file's length, the head against its checksum, each
// entry against the bytes that its layout takes. The panels themselves carry no checksum: reading them all would cost
// what the cache is there to save.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/matmul/matmul.h"
#include "lathe/status.h"
#include "platform/mapped_file.h"

namespace lathe {

// Raise it whenever the bytes of a packed layout, what a name of an entry means, or this file's own format change: a
// file of another version is not read. The test of the layouts' bytes fails where that was forgotten.
inline constexpr uint32_t kPackedVersion = 3;
// Names and tables beyond these are refused, and not written.
inline constexpr int64_t kMostPackedName = 4096, kMostPackedTable = int64_t{64} << 20;

struct PackedEntry {
  std::string name;
  int64_t n = 0, k = 0;
  matmul::Layout layout = matmul::Layout::panel_f32;
  bool gated = false;
  std::span<const std::byte> panels;  // aligned to 64
};

// What the file was made of and for; texts for people.
struct PackedInfo {
  std::string key;     // SHA-256 in hexadecimal digits
  std::string model;   // where its weights lay
  std::string stored;  // the type they were packed for
};

// Bytes of an entry's panels; nothing where the layout is none of packed weights or the sizes are impossible.
std::optional<int64_t> packed_bytes(int64_t n, int64_t k, bool gated, matmul::Layout layout);

class PackedFile {
 public:
  // `bytes` begin at a multiple of 64 and outlive what is read; `name` is what errors call them.
  static Result<PackedFile> parse(std::span<const std::byte> bytes, std::string_view name);
  // An error where the file is damaged, cut short, of another version or of another key (empty: any).
  static Result<PackedFile> open(const std::string& path, std::string_view key);

  const PackedInfo& info() const { return info_; }
  std::span<const PackedEntry> entries() const { return entries_; }  // sorted by name
  const PackedEntry* find(std::string_view name) const;
  const MappedFile& file() const { return file_; }  // empty where the bytes were given

 private:
  Status read(std::span<const std::byte> bytes, std::string_view name);

  MappedFile file_;
  PackedInfo info_;
  std::vector<PackedEntry> entries_;
};

// Writes to `path` from front to back. What is not finished is removed.
class PackedWriter {
 public:
  static Result<std::unique_ptr<PackedWriter>> create(const std::string& path);
  ~PackedWriter();
  PackedWriter(const PackedWriter&) = delete;
  PackedWriter& operator=(const PackedWriter&) = delete;

  // `entry.panels` is written at once and not kept.
  Status add(const PackedEntry& entry);
  int64_t bytes() const { return at_; }
  // Table, head, flush to the disk, and the name `target` in place of `path`.
  Status finish(const PackedInfo& info, const std::string& target);

 private:
  explicit PackedWriter(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Status write(std::span<const std::byte> bytes);
  Status pad(int64_t alignment);
  Status refused(const char* what) const;

  std::string path_;
  int fd_;
  int64_t at_ = 0;
  std::vector<PackedEntry> entries_;  // without panels
  std::vector<int64_t> offsets_;
};

}  // namespace lathe
