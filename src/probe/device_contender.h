// One row of the table for one shape, recorded: alone, and many in one submission with a timestamp behind each.
#pragma once

#include <memory>
#include <vector>

#include "gpu/matmul_program.h"
#include "probe/device_operands.h"

namespace lathe::probe {

class DeviceContender {
 public:
  // The program of `variant` and its recordings on `operands`, which must hold its weights.
  static Result<DeviceContender> create(std::shared_ptr<gpu::Device> device, const gpu::MatmulVariant& variant,
                                        const gpu::MatmulProblem& problem, const DeviceOperands& operands,
                                        int64_t dispatches);

  // Runs it once, on the first copy, or the last.
  Status run_once(bool last_copy = false) { return device_->submit(last_copy ? *last_ : *first_); }
  // One submission of all dispatches. An absent timestamp, or one that does not move on, is failed.
  Status sample_together();
  Status sample_alone();

  double gpu_total_ns() const { return gpu_total_ns_; }
  const std::vector<double>& gpu_ns() const { return gpu_ns_; }            // of each dispatch
  const std::vector<double>& together_ns() const { return together_ns_; }  // wall, of a dispatch
  const std::vector<double>& alone_ns() const { return alone_ns_; }

 private:
  std::shared_ptr<gpu::Device> device_;
  std::shared_ptr<gpu::Recording> first_, last_, many_;
  int64_t dispatches_ = 1;
  double gpu_total_ns_ = 0;
  std::vector<double> gpu_ns_, together_ns_, alone_ns_;
};

}  // namespace lathe::probe
