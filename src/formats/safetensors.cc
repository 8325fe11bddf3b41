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

Status check_extent(const TensorView& tensor, SafetensorsExtent extent, size_t data, std::string_view file) {
  const auto wrong = [&](std::string_view needed) {
    return corrupt(fmt::format("{}: tensor {}, data_offsets are [{}, {}], needed: {}", file, shown(tensor.name),
                               extent.begin, extent.end, needed));
  };
  const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
  if (!bytes)
    return corrupt(fmt::format("{}: tensor {}, shape is {}, needed: fewer than 2^63 bytes of {}", file,
                               shown(tensor.name), tensor.shape.text(), dtype_name(tensor.dtype)));
  if (extent.end < extent.begin) return wrong("the end not before the begin");
  if (extent.end > static_cast<int64_t>(data))
    return wrong(fmt::format("at most {}, the bytes behind the header; is the file cut short?", data));
  if (extent.end - extent.begin != *bytes)
    return wrong(fmt::format("{} bytes for {} {}", *bytes, dtype_name(tensor.dtype), tensor.shape.text()));
  return {};
}

// The tensors fill the data without holes: the format says so, and a byte that two of them claim is a lie.
Status check_cover(const SafetensorsHeader& header, size_t data, std::string_view file) {
  const auto& extents = header.extents;
  std::vector<uint32_t> order(extents.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, {}, [&](uint32_t i) { return std::pair(extents[i].begin, extents[i].end); });
  int64_t at = 0;
  for (const uint32_t i : order) {
    if (extents[i].begin != at)
      return corrupt(fmt::format(
          "{}: tensor {}, data_offsets begin at {}, needed: {}, where the tensor before ends ({})", file,
          shown(header.tensors[i].name), extents[i].begin, at, extents[i].begin < at ? "they overlap" : "a hole"));
    at = extents[i].end;
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
  const std::span<const std::byte> data = parts->data;
  for (size_t i = 0; i < header->tensors.size(); ++i) {
    const SafetensorsExtent extent = header->extents[i];
    if (const Status status = check_extent(header->tensors[i], extent, data.size(), file); !status.ok()) return status;
    header->tensors[i].bytes =
        data.subspan(static_cast<size_t>(extent.begin), static_cast<size_t>(extent.end - extent.begin));
  }
  if (const Status status = check_cover(*header, data.size(), file); !status.ok()) return status;
  return SafetensorsContent{std::move(header->tensors), std::move(header->metadata)};
}

}  // namespace lathe
