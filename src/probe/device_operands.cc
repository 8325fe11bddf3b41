#include "probe/device_operands.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/checked.h"

namespace lathe::probe {
namespace {

constexpr int64_t kMostCopies = 64;

}  // namespace

DeviceOperands::DeviceOperands(std::shared_ptr<gpu::Device> device, Operands& host, const gpu::MatmulProblem& problem,
                               int64_t copies_bytes)
    : device_(std::move(device)), host_(host), problem_(problem), copies_bytes_(copies_bytes), transfer_(device_) {}

Result<std::shared_ptr<gpu::Buffer>> DeviceOperands::put(std::span<const std::byte> bytes) {
  auto buffer = device_->create_buffer(static_cast<int64_t>(bytes.size()), gpu::MemoryUse::device);
  if (!buffer) return buffer;
  if (Status s = transfer_.upload(bytes, **buffer); !s.ok()) return s;
  return buffer;
}

// Rows of x are padded to whole vectors, with what nobody may look at.
Status DeviceOperands::upload() {
  const int64_t m = problem_.m, k = problem_.k, row = round_up(k, 4);
  std::vector<float> x(static_cast<size_t>(m * row), std::numeric_limits<float>::quiet_NaN());
  for (int64_t i = 0; i < m; ++i) std::copy_n(host_.a_floats() + i * k, k, x.data() + i * row);
  Status s;
  const auto bring = [&](std::span<const std::byte> bytes, std::shared_ptr<gpu::Buffer>* to) {
    if (!s.ok() || bytes.empty()) return;
    auto buffer = put(bytes);
    s = buffer.status();
    if (buffer) *to = *buffer;
  };
  bring(std::as_bytes(std::span(x)), &x_);
  bring({host_.c.data(), host_.c.size()}, &y_);
  bring({host_.bias.data(), host_.bias.size()}, &bias_);
  bring({host_.residual.data(), host_.residual.size()}, &residual_);
  return s;
}

Status DeviceOperands::upload_weights(const gpu::MatmulVariant& variant) {
  if (packed_ && layout_ == variant.layout) return {};
  weights_.reset();
  packed_ = false;
  const int64_t columns = problem_.gated ? 2 * problem_.n : problem_.n;
  const auto size = gpu::packed_size(variant.w, variant.layout, columns, problem_.k);
  if (!size) return size.status();
  stride_ = round_up(size->bytes, 256);
  const gpu::MemoryState memory = device_->memory();
  const int64_t room = std::min((memory.budget - memory.used) / 2, device_->info().most_buffer_bytes);
  copies_ = std::clamp<int64_t>(std::min(ceil_div(copies_bytes_, stride_), room / stride_), 1, kMostCopies);
  auto buffer = device_->create_buffer(copies_ * stride_, gpu::MemoryUse::device);
  if (!buffer) return buffer.status();
  std::vector<std::byte> packed(static_cast<size_t>(size->bytes));
  const std::span<const std::byte> source(
      host_.w->source(), static_cast<size_t>(columns * gpu::source_column_bytes(variant.w, problem_.k)));
  Status s = gpu::pack_weights(variant.w, variant.layout, columns, problem_.k, source, packed);
  if (s.ok()) s = transfer_.upload(packed, **buffer);
  if (!s.ok()) return s;
  auto recording = device_->record();
  if (!recording) return recording.status();
  for (int64_t i = 1; i < copies_; ++i) (*recording)->copy(**buffer, 0, **buffer, i * stride_, size->bytes);
  s = (*recording)->end();
  if (s.ok()) s = device_->submit(**recording);
  if (!s.ok()) return s;
  weights_ = *buffer;
  layout_ = variant.layout, packed_ = true;
  return {};
}

Status DeviceOperands::restore() {
  host_.poison();
  return transfer_.upload({host_.c.data(), host_.c.size()}, *y_);
}

Status DeviceOperands::download() { return transfer_.download(*y_, 0, {host_.c.data(), host_.c.size()}); }

gpu::MatmulArgs DeviceOperands::call(int64_t i) const {
  gpu::MatmulArgs args;
  args.w = {weights_.get(), i % copies_ * stride_};
  args.x = {x_.get(), 0};
  args.y = {y_.get(), 0};
  args.x_row = round_up(problem_.k, 4);
  args.y_row = args.residual_row = problem_.n;
  args.beta = problem_.accumulate ? 1.0f : 0.0f;
  args.bias = {bias_.get(), 0};
  args.residual = {residual_.get(), 0};
  return args;
}

}  // namespace lathe::probe
