#include "ops/device_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "ops/weight_columns.h"

namespace lathe::ops {
namespace {

using gpu::kPanel;
using gpu::WeightLayout;
using gpu::WeightType;

// The columns of a panel are packed alone and put where they belong: units in front, scales behind all units.
Status pack_panels(const Weights& weights, WeightType type, std::vector<std::byte>& packed) {
  const int64_t columns = weight_columns(weights), k = weights.k();
  const auto all = gpu::packed_size(type, WeightLayout::panels, columns, k);
  if (!all) return all.status();
  packed.resize(static_cast<size_t>(all->bytes));
  const int64_t column_bytes = gpu::source_column_bytes(type, k);
  std::vector<std::byte> source, panel;
  for (int64_t first = 0; first < columns; first += kPanel) {
    const int64_t count = std::min(kPanel, columns - first);
    const auto one = gpu::packed_size(type, WeightLayout::panels, count, k);
    if (!one) return one.status();
    source.resize(static_cast<size_t>(count * column_bytes));
    panel.resize(static_cast<size_t>(one->bytes));
    for (int64_t j = 0; j < count; ++j) read_column(weights, first + j, source.data() + j * column_bytes);
    if (Status s = gpu::pack_weights(type, WeightLayout::panels, count, k, source, panel); !s.ok()) return s;
    const int64_t units = one->scales_at, scales = one->bytes - units, at = first / kPanel;
    std::memcpy(packed.data() + at * units, panel.data(), static_cast<size_t>(units));
    if (scales > 0)
      std::memcpy(packed.data() + all->scales_at + at * scales, panel.data() + units, static_cast<size_t>(scales));
  }
  return {};
}

std::optional<WeightType> type_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return WeightType::f32;
    case DType::f16:
      return WeightType::f16;
    case DType::q8_0:
      return WeightType::q8_0;
    case DType::q4_0:
      return WeightType::q4_0;
    default:
      return std::nullopt;
  }
}

WeightType stored_type(const EmbeddingTable& table) { return type_of(table.dtype()).value_or(WeightType::f32); }

std::vector<float> widened(const EmbeddingTable& table) {
  std::vector<float> values(static_cast<size_t>(table.rows() * table.width()));
  for (int64_t row = 0; row < table.rows(); ++row) table.decode_row(row, values.data() + row * table.width());
  return values;
}

Status pack_rows(const EmbeddingTable& table, WeightType type, std::vector<std::byte>& packed) {
  const auto size = gpu::packed_size(type, WeightLayout::rows, table.rows(), table.width());
  if (!size) return size.status();
  packed.resize(static_cast<size_t>(size->bytes));
  const bool as_stored = type_of(table.dtype()).has_value();
  const std::vector<float> values = as_stored ? std::vector<float>() : widened(table);
  return gpu::pack_weights(type, WeightLayout::rows, table.rows(), table.width(),
                           as_stored ? table.bytes() : std::as_bytes(std::span(values)), packed);
}

}  // namespace

void DeviceMemory::mirror(std::span<const std::byte> host) {
  if (!host.empty()) mirrors_.try_emplace(host.data(), Mirror{static_cast<int64_t>(host.size()), nullptr});
}

Result<DeviceMemory::Mirror*> DeviceMemory::mirror_of(const void* host, int64_t bytes, int64_t& at) {
  const auto* const first = static_cast<const std::byte*>(host);
  auto found = mirrors_.upper_bound(first);
  if (found != mirrors_.begin()) {
    --found;
    at = first - found->first;
    if (at <= found->second.bytes && bytes <= found->second.bytes - at) {
      Mirror& mirror = found->second;
      if (mirror.buffer == nullptr) {
        auto made = create(mirror.bytes);
        if (!made) return made.status();
        mirror.buffer = std::move(*made);
      }
      return &mirror;
    }
  }
  return failed(fmt::format("an operand of {} bytes lies in no memory that the pass was recorded for", bytes));
}

Result<gpu::Place> DeviceMemory::place(const void* host, int64_t bytes) {
  int64_t at = 0;
  const auto mirror = mirror_of(host, bytes, at);
  if (!mirror) return mirror.status();
  return gpu::Place{(*mirror)->buffer.get(), at};
}

Status DeviceMemory::download(const void* host, std::span<std::byte> to) {
  int64_t at = 0;
  const auto mirror = mirror_of(host, static_cast<int64_t>(to.size()), at);
  if (!mirror) return mirror.status();
  return transfer_.download(*(*mirror)->buffer, at, to);
}

Result<std::shared_ptr<gpu::Buffer>> DeviceMemory::create(int64_t bytes) {
  return device_->create_buffer(bytes, gpu::MemoryUse::device);
}

Result<std::shared_ptr<gpu::Buffer>> DeviceMemory::upload(std::span<const std::byte> bytes) {
  auto made = device_->create_buffer(static_cast<int64_t>(bytes.size()), gpu::MemoryUse::device);
  if (!made) return made;
  if (Status s = transfer_.upload(bytes, **made); !s.ok()) return s;
  bytes_ += static_cast<int64_t>(bytes.size());
  if (uploaded_) uploaded_(bytes_);
  return made;
}

Result<gpu::Place> DeviceMemory::constant(const float* values, int64_t count) {
  std::shared_ptr<gpu::Buffer>& held = constants_[values];
  const auto bytes = std::as_bytes(std::span(values, static_cast<size_t>(count)));
  if (held == nullptr || held->size() < std::ssize(bytes)) {
    auto made = upload(bytes);
    if (!made) return made.status();
    held = std::move(*made);
  }
  return gpu::Place{held.get(), 0};
}

Result<gpu::Place> DeviceMemory::weights(const Weights& weights) {
  std::shared_ptr<gpu::Buffer>& held = weights_[&weights];
  if (held == nullptr) {
    const auto type = device_type(weights.layout());
    if (!type)
      return unsupported(fmt::format(
          "weights packed as {}: the device takes f32, f16, q8_0 and q4_0, which --dtype makes of any file, and "
          "`lathe quantize` for good",
          matmul::layout_name(weights.layout())));
    std::vector<std::byte> packed;
    if (Status s = pack_panels(weights, *type, packed); !s.ok()) return s;
    auto made = upload(packed);
    if (!made) return made.status();
    held = std::move(*made);
  }
  return gpu::Place{held.get(), 0};
}

bool DeviceMemory::can_share(const EmbeddingTable& table, const Weights& weights) {
  return !weights.gated() && weights.n() == table.rows() && weights.k() == table.width() &&
         device_type(weights.layout()) == stored_type(table);
}

void DeviceMemory::share(const EmbeddingTable& table, const Weights& weights) {
  if (can_share(table, weights)) shared_[&table] = &weights;
}

Result<DeviceMemory::Rows> DeviceMemory::rows(const EmbeddingTable& table) {
  if (const auto held = rows_.find(&table); held != rows_.end()) return held->second;
  Rows rows = {stored_type(table), WeightLayout::rows, {}};
  if (const auto shared = shared_.find(&table); shared != shared_.end()) {
    const auto place = weights(*shared->second);
    if (!place) return place.status();
    rows.layout = WeightLayout::panels, rows.place = *place;
  } else {
    std::vector<std::byte> packed;
    if (Status s = pack_rows(table, rows.type, packed); !s.ok()) return s;
    auto made = upload(packed);
    if (!made) return made.status();
    rows.place.buffer = (row_buffers_[&table] = std::move(*made)).get();
  }
  return rows_[&table] = rows;
}

Result<gpu::Place> DeviceMemory::floats(const EmbeddingTable& table) {
  std::shared_ptr<gpu::Buffer>& held = tables_[&table];
  if (held == nullptr) {
    const std::vector<float> values = widened(table);
    auto made = upload(std::as_bytes(std::span(values)));
    if (!made) return made.status();
    held = std::move(*made);
  }
  return gpu::Place{held.get(), 0};
}

Result<gpu::Place> DeviceMemory::angles(const RopeTable& table) {
  Angles& held = angles_[&table];
  if (held.buffer == nullptr || held.positions != table.positions()) {
    const int64_t count = table.positions() * (table.rotary() / 2);
    std::vector<float> pairs(static_cast<size_t>(2 * count));
    for (int64_t i = 0; i < count; ++i) {
      pairs[static_cast<size_t>(2 * i)] = table.cos()[i];
      pairs[static_cast<size_t>(2 * i + 1)] = table.sin()[i];
    }
    auto made = upload(std::as_bytes(std::span(pairs)));
    if (!made) return made.status();
    held = {table.positions(), std::move(*made)};
  }
  return gpu::Place{held.buffer.get(), 0};
}

}  // namespace lathe::ops
