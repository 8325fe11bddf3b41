#include "formats/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>

#include "base/shown.h"
#include "formats/gguf_cursor.h"
#include "formats/gguf_tensors.h"

namespace lathe {
namespace {

static_assert(std::endian::native == std::endian::little, "values are little-endian, and used in place");

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint64_t kMostKeys = 1 << 16;  // published files have a hundred at most
constexpr uint64_t kLeastEntry = 8 + 4 + 1;
constexpr size_t kLongestKey = 65535;
constexpr uint32_t kAlignment = 32;  // where general.alignment is absent

struct Header {
  uint32_t version = 0;
  uint64_t tensors = 0, keys = 0;
};

Status read_header(GgufCursor& cursor, Header& header) {
  uint32_t magic = 0;
  if (const Status status = cursor.read(magic, "the magic number"); !status.ok()) return status;
  if (magic != kMagic)
    return corrupt(fmt::format("{}: begins with {:08x}, needed: 'GGUF'; not a GGUF file?", cursor.file(),
                               __builtin_bswap32(magic)));
  if (const Status status = cursor.read(header.version, "the version"); !status.ok()) return status;
  if (header.version != 0 && (header.version & 0xffff) == 0)
    return unsupported(fmt::format("{}: is big-endian (version {}), needed: a little-endian file", cursor.file(),
                                   __builtin_bswap32(header.version)));
  if (header.version != 2 && header.version != 3)
    return unsupported(fmt::format("{}: is of version {}, needed: 2 or 3", cursor.file(), header.version));
  if (const Status status = cursor.read(header.tensors, "the number of tensors"); !status.ok()) return status;
  return cursor.read(header.keys, "the number of keys");
}

Status read_entries(GgufCursor& cursor, uint64_t count, std::vector<GgufEntry>& entries) {
  const uint64_t most = std::min(kMostKeys, cursor.left() / kLeastEntry);
  if (count > most)
    return corrupt(fmt::format("{}: has {} keys, needed: at most {} in the {} bytes left", cursor.file(), count, most,
                               cursor.left()));
  entries.resize(count);
  for (uint64_t i = 0; i < count; ++i) {
    GgufEntry& entry = entries[i];
    if (const Status status = cursor.read(entry.key, fmt::format("key {}", i)); !status.ok()) return status;
    if (entry.key.empty() || entry.key.size() > kLongestKey)
      return corrupt(
          fmt::format("{}: key {} has {} bytes, needed: 1 to {}", cursor.file(), i, entry.key.size(), kLongestKey));
    if (const Status status = cursor.read(entry.value, shown(entry.key)); !status.ok()) return status;
  }
  return {};
}

template <class T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

FieldValue unsigned_value(uint64_t value) {
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return Composite{"an integer beyond 63 bits"};
  return static_cast<int64_t>(value);
}

FieldValue number(GgufType type, const std::byte* bytes) {
  switch (type) {
    case GgufType::u8:
      return int64_t{load<uint8_t>(bytes)};
    case GgufType::i8:
      return int64_t{load<int8_t>(bytes)};
    case GgufType::u16:
      return int64_t{load<uint16_t>(bytes)};
    case GgufType::i16:
      return int64_t{load<int16_t>(bytes)};
    case GgufType::u32:
      return int64_t{load<uint32_t>(bytes)};
    case GgufType::i32:
      return int64_t{load<int32_t>(bytes)};
    case GgufType::i64:
      return load<int64_t>(bytes);
    case GgufType::u64:
      return unsigned_value(load<uint64_t>(bytes));
    case GgufType::f32:
      return double{load<float>(bytes)};
    case GgufType::f64:
      return load<double>(bytes);
    case GgufType::boolean:
      return load<uint8_t>(bytes) != 0;
    case GgufType::string:
    case GgufType::array:
      break;
  }
  return Absent{};
}

std::string_view characters(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<Gguf> Gguf::parse(std::span<const std::byte> bytes, std::string_view file) {
  GgufCursor cursor(bytes, file);
  Gguf gguf{std::string(file)};
  Header header;
  if (const Status status = read_header(cursor, header); !status.ok()) return status;
  gguf.version_ = header.version;
  if (const Status status = read_entries(cursor, header.keys, gguf.entries_); !status.ok()) return status;

  const auto key = [&gguf](uint32_t i) { return gguf.entries_[i].key; };
  gguf.by_key_.resize(gguf.entries_.size());
  std::iota(gguf.by_key_.begin(), gguf.by_key_.end(), 0u);
  std::ranges::sort(gguf.by_key_, {}, key);
  if (const auto twice = std::ranges::adjacent_find(gguf.by_key_, {}, key); twice != gguf.by_key_.end())
    return corrupt(fmt::format("{}: key {} is there twice, needed: each key once", file, shown(key(*twice))));

  const auto parts = gguf.int_or("split.count", 1, {0, 65535});
  if (!parts) return parts.status();
  if (*parts > 1) return unsupported(fmt::format("{}: is one of {} parts, needed: a model in one file", file, *parts));
  const auto alignment = gguf.int_or("general.alignment", kAlignment, {1, 1 << 30});
  if (!alignment) return alignment.status();
  if (!std::has_single_bit(static_cast<uint64_t>(*alignment)))
    return corrupt(fmt::format("{}: general.alignment is {}, needed: a power of two", file, *alignment));

  auto tensors = read_gguf_tensors(cursor, header.tensors, static_cast<uint64_t>(*alignment));
  if (!tensors) return tensors.status();
  auto table = TensorTable::create(std::move(*tensors), std::string(file));
  if (!table) return table.status();
  gguf.tensors_ = std::move(*table);
  return gguf;
}

const GgufValue* Gguf::find(std::string_view key) const {
  const auto key_of = [this](uint32_t i) { return entries_[i].key; };
  const auto at = std::ranges::lower_bound(by_key_, key, {}, key_of);
  return at != by_key_.end() && key_of(*at) == key ? &entries_[*at].value : nullptr;
}

FieldValue Gguf::at(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value) return Absent{};
  if (value->type == GgufType::array) return Composite{"an array"};
  if (value->type == GgufType::string) return characters(value->bytes);
  return number(value->type, value->bytes.data());
}

bool Gguf::visit(std::string_view key, const std::function<bool(const FieldValue&)>& each) const {
  const GgufValue* value = find(key);
  if (!value || value->type != GgufType::array) return false;
  const std::byte* at = value->bytes.data();
  const bool strings = value->element == GgufType::string;
  for (uint64_t i = 0; i < value->count; ++i) {
    const size_t length = strings ? load<uint64_t>(at) : gguf_type_bytes(value->element);
    if (strings) at += sizeof(uint64_t);
    if (!each(strings ? FieldValue(characters({at, length})) : number(value->element, at))) break;
    at += length;
  }
  return true;
}

std::optional<std::span<const std::byte>> Gguf::byte_array(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value || value->type != GgufType::array || gguf_type_bytes(value->element) != 1 ||
      value->element == GgufType::boolean)
    return std::nullopt;
  return value->bytes;
}

Result<GgufFile> open_gguf(const std::string& path) {
  auto file = MappedFile::open(path);
  if (!file) return file.status();
  auto content = Gguf::parse(file->bytes(), path);
  if (!content) return content.status();
  return GgufFile{std::move(*file), std::move(*content)};
}

}  // namespace lathe
