#include "formats/gguf_writer.h"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <unordered_set>

#include "base/checked.h"
#include "base/shown.h"
#include "formats/gguf_tensors.h"

namespace lathe {
namespace {

constexpr uint32_t kVersion = 3;
constexpr int kMostDims = 4;
constexpr size_t kLongestName = 63;  // what llama.cpp takes

template <class T>
void append(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Appends a tensor's description; `offset` is from the beginning of the data, and goes on to the next tensor's.
Status describe(const std::string& path, const TensorView& tensor, int64_t& offset, std::string& out) {
  const auto number = gguf_type_number(tensor.dtype);
  if (!number)
    return unsupported(fmt::format("{}: tensor {} is of type {}, needed: a type that GGUF has", path,
                                   shown(tensor.name), dtype_name(tensor.dtype)));
  if (tensor.name.empty() || tensor.name.size() > kLongestName)
    return unsupported(fmt::format("{}: the name of tensor {} has {} bytes, needed: 1 to {}", path, shown(tensor.name),
                                   tensor.name.size(), kLongestName));
  const auto bytes = tensor_bytes(tensor.dtype, tensor.shape);
  const auto end = bytes ? checked_add(offset, *bytes) : std::nullopt;
  if (tensor.shape.rank() > kMostDims || !end || *end > INT64_MAX - kGgufAlignment)
    return unsupported(fmt::format(
        "{}: tensor {} has the shape {}, needed: at most {} dimensions, whole blocks of {} and fewer than 2^63 bytes",
        path, shown(tensor.name), tensor.shape.text(), kMostDims, dtype_info(tensor.dtype).block));
  append(out, uint64_t{tensor.name.size()});
  out += tensor.name;
  append(out, static_cast<uint32_t>(tensor.shape.rank()));
  for (int i = tensor.shape.rank(); i-- > 0;) append(out, tensor.shape[i]);  // the fastest first
  append(out, *number);
  append(out, offset);
  offset = round_up(*end, kGgufAlignment);
  return {};
}

std::string_view padding(int64_t at) {
  static constexpr std::array<char, kGgufAlignment> kZeros{};
  return {kZeros.data(), static_cast<size_t>(round_up(at, kGgufAlignment) - at)};
}

}  // namespace

Result<GgufWriter> GgufWriter::create(const std::string& path, const GgufMetadata& metadata,
                                      std::span<const TensorView> tensors) {
  std::string head = "GGUF";
  append(head, kVersion);
  append(head, uint64_t{tensors.size()});
  append(head, metadata.count());
  head += metadata.bytes();
  std::vector<int64_t> sizes;
  std::unordered_set<std::string_view> names;
  int64_t data = 0;
  for (const TensorView& tensor : tensors) {
    if (!names.insert(tensor.name).second)
      return corrupt(fmt::format("{}: tensor {} is there twice, needed: each name once", path, shown(tensor.name)));
    if (Status status = describe(path, tensor, data, head); !status.ok()) return status;
    sizes.push_back(*tensor_bytes(tensor.dtype, tensor.shape));
  }
  head += padding(static_cast<int64_t>(head.size()));
  const auto bytes = checked_add(static_cast<int64_t>(head.size()), data);
  if (!bytes) return unsupported(path + ": the tensors take more than 2^63 bytes, needed: fewer");
  auto file = AtomicFile::create(path, *bytes);
  if (!file) return file.status();
  if (Status status = file->write(head); !status.ok()) return status;
  GgufWriter writer(std::move(*file), std::move(sizes), *bytes);
  return writer;
}

Status GgufWriter::end_tensor() {
  const std::string_view zeros = padding(written_);
  ++at_;
  written_ = 0;
  return zeros.empty() ? Status() : file_.write(zeros);
}

Status GgufWriter::write(std::span<const std::byte> bytes) {
  while (at_ < sizes_.size() && written_ == sizes_[at_])  // tensors without elements
    if (Status status = end_tensor(); !status.ok()) return status;
  const auto count = static_cast<int64_t>(bytes.size());
  if (at_ == sizes_.size() || count > sizes_[at_] - written_)
    return failed(fmt::format("{}: {} bytes are written to tensor {} of {}, needed: at most {}", file_.path(), count,
                              at_, sizes_.size(), at_ == sizes_.size() ? 0 : sizes_[at_] - written_));
  if (Status status = file_.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); !status.ok())
    return status;
  written_ += count;
  return written_ == sizes_[at_] ? end_tensor() : Status();
}

Status GgufWriter::commit() {
  while (at_ < sizes_.size() && written_ == sizes_[at_])
    if (Status status = end_tensor(); !status.ok()) return status;
  if (at_ != sizes_.size())
    return failed(
        fmt::format("{}: {} of {} tensors are written, needed: all of them", file_.path(), at_, sizes_.size()));
  return file_.commit();
}

}  // namespace lathe
