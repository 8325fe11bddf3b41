#include "formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/shown.h"
#include "formats/safetensors_header.h"

namespace lathe {
namespace {

static_assert(std::endian::native == std::endian::little, "offsets and values are little-endian, and used in place");

constexpr uint64_t kLargestHeader = 100'000'000;  // bytes, as the format's own readers have it

struct Parts {
  std::string_view header;
  std::span<const std::byte> data;
};

Result<Parts> split(std::span<const std::byte> bytes, std::string_view file) {
  uint64_t length = 0;
  if (bytes.size() < sizeof length)
    return corrupt(fmt::format("{}: has {} bytes, needed: 8 for the header's length", file, bytes.size()));
  std::memcpy(&length, bytes.data(), sizeof length);
  const std::span<const std::byte> rest = bytes.subspan(sizeof length);
  if (length > kLargestHeader)
    return corrupt(fmt::format("{}: the header's length is {}, needed: at most {}; not a safetensors file?", file,
                               length, kLargestHeader));
  if (length > rest.size())
    return corrupt(
        fmt::format("{}: the header's length is {}, needed: at most the {} bytes that follow; is the file cut short?",
                    file, length, rest.size()));
  const std::string_view header(reinterpret_cast<const char*>(rest.data()), length);
  if (!header.starts_with('{'))
    return corrupt(fmt::format("{}: the header begins with {}, needed: '{{'; not a safetensors file?", file,
                               shown(header.substr(0, 1))));
  return Parts{header, rest.subspan(length)};
}

Status check_extent(const SafetensorsEntry& entry, size_t data, std::string_view file) {
  const auto wrong = [&](std::string_view needed) {
    return corrupt(fmt::format("{}: tensor {}, data_offsets are [{}, {}], needed: {}", file, shown(entry.name),
                               entry.begin, entry.end, needed));
  };
  const auto bytes = tensor_bytes(entry.dtype, entry.shape);
  if (!bytes)
    return corrupt(fmt::format("{}: tensor {}, shape is {}, needed: fewer than 2^63 bytes of {}", file,
                               shown(entry.name), entry.shape.text(), dtype_name(entry.dtype)));
  if (entry.end < entry.begin) return wrong("the end not before the begin");
  if (entry.end > static_cast<int64_t>(data))
    return wrong(fmt::format("at most {}, the bytes behind the header; is the file cut short?", data));
  if (entry.end - entry.begin != *bytes)
    return wrong(fmt::format("{} bytes for {} {}", *bytes, dtype_name(entry.dtype), entry.shape.text()));
  return {};
}

// The tensors fill the data without holes: the format says so, and a byte that two of them claim is a lie.
Status check_cover(const std::vector<SafetensorsEntry>& entries, size_t data, std::string_view file) {
  std::vector<uint32_t> order(entries.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](uint32_t i) { return std::pair(entries[i].begin, entries[i].end); });
  int64_t at = 0;
  for (const uint32_t i : order) {
    const SafetensorsEntry& entry = entries[i];
    if (entry.begin != at)
      return corrupt(
          fmt::format("{}: tensor {}, data_offsets begin at {}, needed: {}, where the tensor before ends ({})", file,
                      shown(entry.name), entry.begin, at, entry.begin < at ? "they overlap" : "a hole"));
    at = entry.end;
  }
  if (at != static_cast<int64_t>(data))
    return corrupt(fmt::format("{}: the tensors end at {}, needed: {}, the bytes behind the header", file, at, data));
  return {};
}

}  // namespace

Result<SafetensorsContent> parse_safetensors(std::span<const std::byte> bytes, std::string_view file) {
  const auto parts = split(bytes, file);
  if (!parts) return parts.status();
  auto header = read_safetensors_header(parts->header, file);
  if (!header) return header.status();
  for (const SafetensorsEntry& entry : header->entries)
    if (const Status status = check_extent(entry, parts->data.size(), file); !status.ok()) return status;
  if (const Status status = check_cover(header->entries, parts->data.size(), file); !status.ok()) return status;

  SafetensorsContent content;
  content.metadata = std::move(header->metadata);
  content.tensors.reserve(header->entries.size());
  for (SafetensorsEntry& entry : header->entries)
    content.tensors.push_back(
        {std::move(entry.name), entry.dtype, entry.shape,
         parts->data.subspan(static_cast<size_t>(entry.begin), static_cast<size_t>(entry.end - entry.begin))});
  return content;
}

}  // namespace lathe
