#include "ops/device_draws.h"

#include <algorithm>
#include <cstring>

namespace lathe::ops {
namespace {

constexpr int64_t kSettings = sizeof(gpu::DrawSettings), kRandom = sizeof(uint64_t), kFloat = sizeof(float);

}  // namespace

Result<DeviceDraws> DeviceDraws::create(DeviceMemory& memory, int64_t draws, int64_t vocabulary) {
  DeviceDraws made;
  made.draws_ = draws, made.vocabulary_ = vocabulary;
  auto host = memory.device().create_buffer(kSettings + draws * kRandom, gpu::MemoryUse::upload);
  if (!host) return host.status();
  made.host_ = std::move(*host);
  auto there = memory.create(made.host_->size());
  if (!there) return there.status();
  made.device_ = std::move(*there);
  auto candidates = memory.create(2 * vocabulary * kFloat);  // their ids and exponentials
  if (!candidates) return candidates.status();
  made.candidates_ = std::move(*candidates);
  return made;
}

void DeviceDraws::set(const gpu::DrawSettings& settings, std::span<const uint64_t> random) {
  const auto count = std::min(random.size(), static_cast<size_t>(draws_));
  std::memcpy(host_->mapped(), &settings, sizeof settings);
  std::memcpy(host_->mapped() + kSettings, random.data(), count * sizeof(uint64_t));
}

gpu::DrawArgs DeviceDraws::args(int64_t i) const {
  gpu::DrawArgs args;
  args.settings = {device_.get(), 0};
  args.random = {device_.get(), kSettings + i * kRandom};
  args.candidates = {candidates_.get(), 0};
  args.candidates_e = {candidates_.get(), vocabulary_ * kFloat};
  return args;
}

}  // namespace lathe::ops
