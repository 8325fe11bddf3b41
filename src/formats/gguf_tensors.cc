#include "formats/gguf_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>

#include "base/shown.h"
#include "tensor/tensor_table.h"

namespace lathe {
namespace {

constexpr uint32_t kMostDims = 4;
constexpr uint64_t kLeastDescription = 8 + 4 + 4 + 8;  // bytes of one without a name and without dimensions

struct TypeNumber {
  uint32_t number;
  DType dtype;
};
// What stands in files. Numbers that are not here were withdrawn, or are of formats that only live in memory.
constexpr TypeNumber kTypeNumbers[] = {
    {0, DType::f32},    {1, DType::f16},     {2, DType::q4_0},     {3, DType::q4_1},    {6, DType::q5_0},
    {7, DType::q5_1},   {8, DType::q8_0},    {10, DType::q2_k},    {11, DType::q3_k},   {12, DType::q4_k},
    {13, DType::q5_k},  {14, DType::q6_k},   {16, DType::iq2_xxs}, {17, DType::iq2_xs}, {18, DType::iq3_xxs},
    {19, DType::iq1_s}, {20, DType::iq4_nl}, {21, DType::iq3_s},   {22, DType::iq2_s},  {23, DType::iq4_xs},
    {24, DType::i8},    {25, DType::i16},    {26, DType::i32},     {27, DType::i64},    {28, DType::f64},
    {29, DType::iq1_m}, {30, DType::bf16},   {34, DType::tq1_0},   {35, DType::tq2_0},  {39, DType::mxfp4},
};

std::optional<DType> dtype_of(uint32_t number) {
  for (const TypeNumber& known : kTypeNumbers)
    if (known.number == number) return known.dtype;
  return std::nullopt;
}

Status read_shape(GgufCursor& cursor, std::string_view what, Shape& shape) {
  uint32_t dims = 0;
  if (const Status status = cursor.read(dims, what); !status.ok()) return status;
  if (dims > kMostDims)
    return corrupt(fmt::format("{}: {} has {} dimensions, needed: at most {}", cursor.file(), what, dims, kMostDims));
  for (uint32_t i = 0; i < dims; ++i) {
    uint64_t dim = 0;
    if (const Status status = cursor.read(dim, what); !status.ok()) return status;
    if (dim > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return corrupt(fmt::format("{}: {} has a dimension of {}, needed: less than 2^63", cursor.file(), what, dim));
    shape.push_back(static_cast<int64_t>(dim));
  }
  shape.reverse();  // the file has the fastest dimension first
  return {};
}

// `offset` is from the beginning of the data.
Status read_description(GgufCursor& cursor, uint64_t index, TensorView& view, uint64_t& offset) {
  std::string_view name;
  if (const Status status = cursor.read(name, fmt::format("the name of tensor {}", index)); !status.ok()) return status;
  const std::string what = "tensor " + shown(name);
  view.name = name;
  if (const Status status = read_shape(cursor, what, view.shape); !status.ok()) return status;
  uint32_t type = 0;
  if (const Status status = cursor.read(type, what); !status.ok()) return status;
  const auto dtype = dtype_of(type);
  if (!dtype)
    return unsupported(
        fmt::format("{}: {} has type {}, needed: a type of GGUF that is in use", cursor.file(), what, type));
  view.dtype = *dtype;
  return cursor.read(offset, what);
}

// Sets the view's bytes.
Status place(TensorView& view, uint64_t offset, std::span<const std::byte> data, uint64_t alignment,
             const std::string& file) {
  const auto bytes = tensor_bytes(view.dtype, view.shape);
  if (!bytes)
    return corrupt(
        fmt::format("{}: tensor {} has shape {}, needed: rows of whole blocks of {} and fewer than 2^63 bytes of {}",
                    file, shown(view.name), view.shape.text(), dtype_info(view.dtype).block, dtype_name(view.dtype)));
  if (offset % alignment != 0)
    return corrupt(fmt::format("{}: tensor {} begins at {} of the data, needed: a multiple of {}", file,
                               shown(view.name), offset, alignment));
  const auto size = static_cast<uint64_t>(*bytes);
  if (offset > data.size() || size > data.size() - offset)
    return corrupt(
        fmt::format("{}: tensor {} takes {} bytes at {} of the data, needed: within its {}; is the file cut short?",
                    file, shown(view.name), size, offset, data.size()));
  view.bytes = data.subspan(offset, size);
  return {};
}

Status check_overlaps(const std::vector<TensorView>& tensors, std::span<const std::byte> data,
                      const std::string& file) {
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i].bytes.empty()) order.push_back(i);
  std::ranges::sort(order, {}, [&](uint32_t i) { return tensors[i].bytes.data(); });
  for (size_t i = 1; i < order.size(); ++i) {
    const TensorView& before = tensors[order[i - 1]];
    const TensorView& after = tensors[order[i]];
    const std::byte* end = before.bytes.data() + before.bytes.size();
    if (after.bytes.data() < end)
      return corrupt(fmt::format("{}: tensor {} begins at {} of the data, needed: at least {}, where tensor {} ends",
                                 file, shown(after.name), after.bytes.data() - data.data(), end - data.data(),
                                 shown(before.name)));
  }
  return {};
}

// What is left behind the descriptions; empty where the file ends before the padding does.
std::span<const std::byte> data_section(GgufCursor& cursor, uint64_t alignment) {
  std::span<const std::byte> part;
  const uint64_t padding = (alignment - cursor.position() % alignment) % alignment;
  if (!cursor.take(std::min<uint64_t>(padding, cursor.left()), part, "padding").ok()) return {};
  return cursor.take(cursor.left(), part, "data").ok() ? part : std::span<const std::byte>();
}

}  // namespace

std::optional<uint32_t> gguf_type_number(DType dtype) {
  for (const TypeNumber& known : kTypeNumbers)
    if (known.dtype == dtype) return known.number;
  return std::nullopt;
}

Result<std::vector<TensorView>> read_gguf_tensors(GgufCursor& cursor, uint64_t count, uint64_t alignment) {
  const std::string& file = cursor.file();
  if (count > cursor.left() / kLeastDescription)
    return corrupt(fmt::format("{}: has {} tensors, needed: at most the {} that the {} bytes left can describe", file,
                               count, cursor.left() / kLeastDescription, cursor.left()));
  if (count > static_cast<uint64_t>(TensorTable::kMost))
    return unsupported(fmt::format("{}: has {} tensors, needed: at most {}", file, count, TensorTable::kMost));
  std::vector<TensorView> tensors(count);
  std::vector<uint64_t> offsets(count);
  for (uint64_t i = 0; i < count; ++i)
    if (const Status status = read_description(cursor, i, tensors[i], offsets[i]); !status.ok()) return status;
  const auto data = data_section(cursor, alignment);
  for (uint64_t i = 0; i < count; ++i)
    if (const Status status = place(tensors[i], offsets[i], data, alignment, file); !status.ok()) return status;
  if (const Status status = check_overlaps(tensors, data, file); !status.ok()) return status;
  return tensors;
}

}  // namespace lathe
