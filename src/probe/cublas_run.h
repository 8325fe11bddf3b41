// cuBLAS's row of a shape: verified and timed as ours are, by CUDA's own events, after them and not in turns with them.
#pragma once

#include <memory>
#include <string>

#include "gpu/cublas.h"
#include "probe/device_probe.h"
#include "probe/operands.h"
#include "probe/reference.h"

namespace lathe::probe {

class CublasRun {
 public:
  CublasRun(const gpu::DeviceInfo& info, const DeviceOptions& options);

  bool wanted() const { return wanted_; }
  DeviceRow run(const gpu::MatmulProblem& problem, int64_t index, Operands& host, const Reference& reference,
                int64_t cold_bytes);

 private:
  Status judge(const gpu::MatmulProblem& problem, Operands& host, const Reference& reference, int64_t copies,
               DeviceRow* row);
  Status time(DeviceRow* row);

  const DeviceOptions& options_;
  bool wanted_ = false;
  std::unique_ptr<gpu::Cublas> cublas_;
  std::string why_not_;
};

}  // namespace lathe::probe
