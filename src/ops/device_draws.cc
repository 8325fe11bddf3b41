#include "ops/device_draws.h"

#include <algorithm>
#include <cstring>

namespace lathe::ops {
namespace {

constexpr int64_t kSettings = sizeof(gpu::DrawSettings), kRandom = sizeof(uint64_t), kFloat = sizeof(float);

}  // namespace

Result<DeviceDraws> DeviceDraws::create(DeviceMemory& memory, int64_t draws, int64_t texts, int64_t vocabulary) {
  DeviceDraws made;
  made.draws_ = draws, made.texts_ = texts, made.vocabulary_ = vocabulary;
  auto host = memory.device().create_buffer(texts * (kSettings + draws * kRandom), gpu::MemoryUse::upload);
  if (!host) return host.status();
  made.host_ = std::move(*host);
  auto there = memory.create(made.host_->size());
  if (!there) return there.status();
  made.device_ = std::move(*there);
  auto candidates = memory.create(2 * texts * vocabulary * kFloat);  // their ids and exponentials
  if (!candidates) return candidates.status();
  made.candidates_ = std::move(*candidates);
  return made;
}

void DeviceDraws::set(int64_t text, const gpu::DrawSettings& settings, std::span<const uint64_t> random) {
  std::memcpy(host_->mapped() + text * kSettings, &settings, sizeof settings);
  std::byte* to = host_->mapped() + texts_ * kSettings + text * kRandom;
  for (size_t i = 0; i < std::min(random.size(), static_cast<size_t>(draws_)); ++i, to += texts_ * kRandom)
    std::memcpy(to, &random[i], sizeof random[i]);
}

gpu::DrawArgs DeviceDraws::args(int64_t i) const {
  gpu::DrawArgs args;
  args.settings = {device_.get(), 0};
  args.random = {device_.get(), texts_ * (kSettings + i * kRandom)};
  args.candidates = {candidates_.get(), 0};
  args.candidates_e = {candidates_.get(), texts_ * vocabulary_ * kFloat};
  return args;
}

}  // namespace lathe::ops
