// One shape of a device's probe, from its operands to its rows.
#pragma once

#include <memory>
#include <vector>

#include "probe/cublas_run.h"
#include "probe/device_contender.h"
#include "probe/device_probe.h"
#include "probe/reference.h"

namespace lathe::probe {

// Above the last caches of today's cards (96 MiB; 256 where data centres have them).
constexpr int64_t kColdBytes = int64_t{512} << 20;
// A software driver computes on the CPU, whose caches are smaller and whose memory is ours.
constexpr int64_t kColdBytesOnCpu = int64_t{64} << 20;
constexpr int64_t kDispatches = 32;  // of a submission; a decoder's step has some hundred

inline bool on_cpu(const gpu::DeviceInfo& info) { return info.kind == gpu::DeviceKind::cpu; }

class DeviceRun {
 public:
  DeviceRun(std::shared_ptr<gpu::Device> device, Team& team, const DeviceOptions& options)
      : device_(std::move(device)), team_(team), options_(options), cublas_(device_->info(), options) {}

  std::vector<DeviceRow> run(const Shape& shape, int64_t index);

 private:
  struct Timed {
    size_t row;
    DeviceContender contender;
  };
  int64_t cold_bytes() const;
  Status prepare(const Shape& shape, const gpu::MatmulProblem& problem);
  void take(const gpu::MatmulProblem& problem, const std::vector<size_t>& rows, std::vector<DeviceRow>* all);
  Status judge(const gpu::MatmulVariant& variant, const gpu::MatmulProblem& problem, DeviceRow* row,
               std::vector<Timed>* timed, size_t index);
  void time(std::vector<Timed>* timed, std::vector<DeviceRow>* rows);
  bool enough(const DeviceContender& contender, double wall_ns) const;

  std::shared_ptr<gpu::Device> device_;
  Team& team_;
  const DeviceOptions& options_;
  CublasRun cublas_;
  std::unique_ptr<Operands> host_;
  std::unique_ptr<DeviceOperands> operands_;
  std::unique_ptr<Reference> reference_;
};

}  // namespace lathe::probe
