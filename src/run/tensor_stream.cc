#include "run/tensor_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "base/shown.h"
#include "quant/dequantize.h"
#include "quant/quantize.h"

namespace lathe::run {
namespace {

constexpr int64_t kPiece = int64_t{8} << 20;  // values: 9 MB of Q8_0, 32 MB of F32

// A tensor as rows. Vectors whose elements change places are rows of one.
struct Rows {
  int64_t count, length;
};
Rows rows_of(const models::ExportTensor& tensor) {
  const Shape& shape = tensor.target.shape;
  const int64_t elements = tensor.target.elements();
  if (tensor.order != models::RowOrder::kept) return {shape[0], elements / std::max<int64_t>(shape[0], 1)};
  const int64_t length = shape.rank() == 0 ? 1 : shape[shape.rank() - 1];
  return {length == 0 ? 0 : elements / length, length};
}

// The first value that the type cannot hold, or -1. What is plain and as wide as f32 holds all of them.
int64_t first_unfit(const float* x, int64_t count, float largest) {
  if (largest == std::numeric_limits<float>::max()) return -1;
  for (int64_t i = 0; i < count; ++i)
    if (!(std::fabs(x[i]) <= largest)) return i;
  return -1;
}

// Row `r` of a source that lies the other way round, in a type without blocks.
void decode_column(const models::ExportTensor& tensor, Dequantize decode, int64_t r, const Rows& rows, float* out) {
  const int64_t bytes = dtype_info(tensor.source->dtype).bytes;
  const std::byte* at = tensor.source->bytes.data() + r * bytes;
  for (int64_t i = 0; i < rows.length; ++i, at += rows.count * bytes) decode(at, 1, out + i);
}

int64_t bytes_of(DType dtype, int64_t values) { return values / dtype_info(dtype).block * dtype_info(dtype).bytes; }

Status no_way(const models::ExportTensor& tensor) {
  const bool read = dequantizer(tensor.source->dtype) == nullptr;
  return unsupported(
      fmt::format("tensor {} is {}, needed: F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K",
                  shown(tensor.source->name),
                  read ? fmt::format("of type {}, which cannot be read", dtype_name(tensor.source->dtype))
                       : fmt::format("to become {}, which cannot be written", dtype_name(tensor.target.dtype))));
}

}  // namespace

Status TensorStream::copy(const models::ExportTensor& tensor, const Sink& sink) {
  const DTypeInfo& info = dtype_info(tensor.target.dtype);
  const auto piece = static_cast<size_t>(kPiece / info.block * info.bytes);
  for (auto bytes = tensor.source->bytes; !bytes.empty();) {
    const auto part = bytes.first(std::min(piece, bytes.size()));
    if (Status status = sink(part); !status.ok()) return status;
    wrote_(static_cast<int64_t>(part.size()) / info.bytes * info.block);
    bytes = bytes.subspan(part.size());
  }
  return {};
}

Status TensorStream::write(const models::ExportTensor& tensor, const Sink& sink) {
  const DType from = tensor.source->dtype, to = tensor.target.dtype;
  if (from == to && !tensor.changes_values()) return copy(tensor, sink);
  const Dequantize decode = dequantizer(from);
  const Quantize encode = quantizer(to);
  if (decode == nullptr || encode == nullptr) return no_way(tensor);
  const Rows rows = rows_of(tensor);
  if (rows.count == 0 || rows.length == 0) return {};
  if (rows.length % dtype_info(from).block != 0 || rows.length % dtype_info(to).block != 0)
    return unsupported(fmt::format("tensor {} has rows of {}, needed: whole blocks of {} and of {}",
                                   shown(tensor.source->name), rows.length, dtype_name(from), dtype_name(to)));
  const bool transposed = tensor.order == models::RowOrder::transposed;
  if (transposed && dtype_info(from).block != 1)
    return unsupported(
        fmt::format("tensor {} is stored as {}, needed: a type without blocks, as its rows become columns",
                    shown(tensor.source->name), dtype_name(from)));
  const int64_t row_from = bytes_of(from, rows.length), row_to = bytes_of(to, rows.length);
  const int64_t piece = std::clamp<int64_t>(kPiece / rows.length, 1, rows.count);
  encoded_.resize(static_cast<size_t>(piece * row_to));
  decoded_.resize(static_cast<size_t>(team_.size() * rows.length));
  std::atomic<int64_t> unfit{std::numeric_limits<int64_t>::max()};  // the first value's place in the tensor
  for (int64_t first = 0; first < rows.count; first += piece) {
    const int64_t count = std::min(piece, rows.count - first);
    team_.run([&](Team::Worker& worker) {
      float* const row = decoded_.data() + worker.id() * rows.length;
      const int64_t end = first + count * (worker.id() + 1) / worker.count();
      for (int64_t r = first + count * worker.id() / worker.count(); r < end; ++r) {
        if (transposed)
          decode_column(tensor, decode, r, rows, row);
        else
          decode(tensor.source->bytes.data() + tensor.source_row(r, rows.count) * row_from, rows.length, row);
        if (tensor.added != 0)
          for (int64_t i = 0; i < rows.length; ++i) row[i] += tensor.added;
        if (const int64_t at = first_unfit(row, rows.length, largest_value(to)); at >= 0) {
          const int64_t place = r * rows.length + at;
          for (int64_t seen = unfit; place < seen && !unfit.compare_exchange_weak(seen, place);) {
          }
          return;
        }
        encode(row, rows.length, encoded_.data() + (r - first) * row_to);
      }
    });
    if (unfit != std::numeric_limits<int64_t>::max())
      return unsupported(
          fmt::format("tensor {} has a value in row {} that {} cannot hold, needed: finite values of at "
                      "most {} in magnitude",
                      shown(tensor.source->name), unfit / rows.length, dtype_name(to), largest_value(to)));
    if (Status status = sink(std::span(encoded_).first(static_cast<size_t>(count * row_to))); !status.ok())
      return status;
    wrote_(count * rows.length);
  }
  return {};
}

Status write_tensors(const models::WeightFiles& files, std::span<const models::ExportTensor> tensors, int threads,
                     const ExportProgress& progress, const TensorStream::Sink& sink) {
  auto team = Team::create({.threads = threads});
  if (!team) return team.status();
  int64_t done = 0, total = 0;
  for (const models::ExportTensor& tensor : tensors) total += tensor.target.elements();
  std::string_view name;
  TensorStream stream(**team, [&](int64_t values) {
    done += values;
    if (progress) progress(done, total, name);
  });
  for (const models::ExportTensor& tensor : tensors) {
    name = tensor.target.name;
    if (Status status = stream.write(tensor, sink); !status.ok())
      return Status(status.code(), files.files().weights + ": " + status.message());
    files.each_file([&](const MappedFile& file) { file.advise(MappedFile::Advice::dont_need, tensor.source->bytes); });
  }
  return {};
}

void ExportReport::add(std::span<const models::ExportTensor> tensors) {
  for (const models::ExportTensor& tensor : tensors) {
    values += tensor.target.elements();
    tensor_bytes += lathe::tensor_bytes(tensor.target.dtype, tensor.target.shape).value_or(0);
    source_bytes += static_cast<int64_t>(tensor.source->bytes.size());
  }
}

}  // namespace lathe::run
