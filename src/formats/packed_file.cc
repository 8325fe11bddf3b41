#include "formats/packed_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checked.h"
#include "base/sha256.h"
#include "formats/packed_head.h"
#include "kernels/matmul/layout.h"

namespace lathe {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are little-endian, and used in place");

constexpr auto kLastLayout = static_cast<uint8_t>(matmul::Layout::panel_b16);

// Reads the table; every read is checked against its end.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class T>
  bool read(T& value) {
    if (bytes_.size() < sizeof value) return false;
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_ = bytes_.subspan(sizeof value);
    return true;
  }
  bool read(std::string& text) {
    uint32_t length = 0;
    if (!read(length) || length > kMostPackedName || length > bytes_.size()) return false;
    text.assign(reinterpret_cast<const char*>(bytes_.data()), length);
    bytes_ = bytes_.subspan(length);
    return true;
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> bytes_;
};

// An entry of the table whose panels lie in data from `begin` on.
bool read_entry(Cursor& table, std::span<const std::byte> data, int64_t begin, PackedEntry& entry, int64_t& end) {
  PackedRecord record;
  if (!table.read(record) || !table.read(entry.name)) return false;
  if (record.layout > kLastLayout || record.gated > 1) return false;
  entry.n = record.n;
  entry.k = record.k;
  entry.layout = static_cast<matmul::Layout>(record.layout);
  entry.gated = record.gated == 1;
  const auto needed = packed_bytes(entry.n, entry.k, entry.gated, entry.layout);
  if (!needed || *needed != record.bytes) return false;
  const auto last = checked_add(record.offset, record.bytes);
  if (record.offset < begin || record.offset % kPackedAlignment != 0 || !last ||
      *last > static_cast<int64_t>(data.size()))
    return false;
  entry.panels = data.subspan(static_cast<size_t>(record.offset), static_cast<size_t>(record.bytes));
  end = *last;
  return true;
}

}  // namespace

std::optional<int64_t> packed_bytes(int64_t n, int64_t k, bool gated, matmul::Layout layout) {
  // Beyond any machine, and small enough that no product below overflows.
  constexpr int64_t kMost = int64_t{1} << 40;
  if (n < 1 || k < 1 || n > kMost || k > kMost || !checked_mul(n, k, 64)) return std::nullopt;
  const int64_t each = matmul::panel_bytes(layout, k);
  if (each == 0) return std::nullopt;
  return checked_mul(ceil_div(n, matmul::kPanel), each, gated ? 2 : 1);
}

std::string packed_checksum(PackedHead head, std::string_view table) {
  std::memset(head.checksum, 0, sizeof head.checksum);
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  return sha256_hex(bytes.append(table));
}

Status PackedFile::read(std::span<const std::byte> bytes, std::string_view name) {
  const auto wrong = [name](const std::string& what) { return corrupt(fmt::format("{}: {}", name, what)); };
  PackedHead head;
  if (bytes.size() < sizeof head) return wrong("is shorter than the head of a file of packed weights");
  std::memcpy(&head, bytes.data(), sizeof head);
  if (std::memcmp(head.magic, kPackedMagic, sizeof head.magic) != 0) return wrong("is no file of packed weights");
  if (head.version != kPackedVersion)
    return unsupported(fmt::format("{}: has version {}, needed: version {}", name, head.version, kPackedVersion));
  const auto table_end = checked_add(head.table_at, head.table_bytes);
  if (head.table_at < kPackedDataAt || head.table_bytes < 0 || head.table_bytes > kMostPackedTable || !table_end ||
      *table_end != static_cast<int64_t>(bytes.size()))
    return wrong(fmt::format("the table of {} bytes at {} does not end at the file's {}", head.table_bytes,
                             head.table_at, bytes.size()));
  const auto table = bytes.subspan(static_cast<size_t>(head.table_at));
  const std::string_view text(reinterpret_cast<const char*>(table.data()), table.size());
  if (std::string_view(head.checksum, sizeof head.checksum) != packed_checksum(head, text))
    return wrong("the checksum of head and table is not theirs");

  // Checksummed, but by whoever wrote it: all of it is checked nevertheless.
  Cursor cursor(table);
  if (!cursor.read(info_.key) || !cursor.read(info_.model) || !cursor.read(info_.stored))
    return wrong("the table has no key, model and type");
  int64_t at = kPackedDataAt;
  const auto data = bytes.first(static_cast<size_t>(head.table_at));
  for (uint32_t i = 0; i < head.entries; ++i) {
    PackedEntry entry;
    if (!read_entry(cursor, data, at, entry, at))
      return wrong(fmt::format("entry {} of the table contradicts itself or the file", i));
    entries_.push_back(std::move(entry));
  }
  if (!cursor.at_end()) return wrong("bytes follow the last entry of the table");
  std::ranges::sort(entries_, {}, &PackedEntry::name);
  if (std::ranges::adjacent_find(entries_, {}, &PackedEntry::name) != entries_.end())
    return wrong("a name stands twice in the table");
  return {};
}

Result<PackedFile> PackedFile::parse(std::span<const std::byte> bytes, std::string_view name) {
  PackedFile packed;
  if (Status status = packed.read(bytes, name); !status.ok()) return status;
  return packed;
}

Result<PackedFile> PackedFile::open(const std::string& path, std::string_view key) {
  auto file = MappedFile::open(path);
  if (!file) return file.status();
  auto packed = parse(file->bytes(), path);
  if (!packed) return packed.status();
  if (!key.empty() && packed->info_.key != key) return corrupt(path + ": was made of other weights than its name says");
  packed->file_ = std::move(*file);
  return packed;
}

const PackedEntry* PackedFile::find(std::string_view name) const {
  const auto at =
      std::ranges::lower_bound(entries_, name, {}, [](const PackedEntry& e) -> std::string_view { return e.name; });
  return at != entries_.end() && at->name == name ? &*at : nullptr;
}

}  // namespace lathe
