#include "probe/device_contender.h"

#include "platform/clock.h"

namespace lathe::probe {
namespace {

using Recorded = Result<std::shared_ptr<gpu::Recording>>;

// `count` dispatches from copy `first` on, each done before the next begins, as in a model's pass.
Recorded record(gpu::Device& device, const gpu::MatmulProgram& program, const DeviceOperands& operands, int64_t first,
                int64_t count, bool timed) {
  auto recording = device.record(timed ? static_cast<int>(count) + 1 : 0);
  if (!recording) return recording;
  gpu::Recording& r = **recording;
  if (timed) r.timestamp();
  for (int64_t i = 0; i < count; ++i) {
    if (Status s = program.record(r, operands.call(first + i)); !s.ok()) return s;
    r.barrier();
    if (timed) r.timestamp();
  }
  if (Status s = r.end(); !s.ok()) return s;
  return recording;
}

}  // namespace

Result<DeviceContender> DeviceContender::create(std::shared_ptr<gpu::Device> device, const gpu::MatmulVariant& variant,
                                                const gpu::MatmulProblem& problem, const DeviceOperands& operands,
                                                int64_t dispatches) {
  auto program = gpu::MatmulProgram::create(*device, variant, problem);
  if (!program) return program.status();
  DeviceContender made;
  Status s;
  const auto keep = [&](Recorded recording, std::shared_ptr<gpu::Recording>* to) {
    if (s.ok()) s = recording.status();
    if (recording) *to = *recording;
  };
  keep(record(*device, *program, operands, 0, 1, false), &made.first_);
  keep(record(*device, *program, operands, operands.copies() - 1, 1, false), &made.last_);
  keep(record(*device, *program, operands, 0, dispatches, true), &made.many_);
  if (!s.ok()) return s;
  made.device_ = std::move(device);
  made.dispatches_ = dispatches;
  return made;
}

Status DeviceContender::sample_together() {
  const int64_t start = now_ns();
  if (Status s = device_->submit(*many_); !s.ok()) return s;
  together_ns_.push_back(static_cast<double>(now_ns() - start) / static_cast<double>(dispatches_));
  const auto times = device_->timestamps(*many_);
  if (!times) return times.status();
  for (size_t i = 1; i < times->size(); ++i) {
    const double ns = (*times)[i] - (*times)[i - 1];
    if (!(ns > 0)) return failed("two timestamps of the device around a dispatch are equal");
    gpu_ns_.push_back(ns);
    gpu_total_ns_ += ns;
  }
  return {};
}

Status DeviceContender::sample_alone() {
  const int64_t start = now_ns();
  if (Status s = device_->submit(*first_); !s.ok()) return s;
  alone_ns_.push_back(static_cast<double>(now_ns() - start));
  return {};
}

}  // namespace lathe::probe
