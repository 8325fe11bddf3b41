// The operands of one shape on a device: weights in the layouts that its rows read, as many copies as make them cold.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "gpu/matmul_program.h"
#include "gpu/transfer.h"
#include "probe/operands.h"

namespace lathe::probe {

class DeviceOperands {
 public:
  // `copies_bytes`: what the copies of a weight hold together at least.
  DeviceOperands(std::shared_ptr<gpu::Device> device, Operands& host, const gpu::MatmulProblem& problem,
                 int64_t copies_bytes);

  // x, y and what the epilogue reads.
  Status upload();
  // Of the layout that `variant` reads; the other layout's are given back.
  Status upload_weights(const gpu::MatmulVariant& variant);
  // y as it was before: poisoned, or the old C.
  Status restore();
  Status download();  // into Operands::c

  int64_t copies() const { return copies_; }
  gpu::MatmulArgs call(int64_t i) const;  // on copy i

 private:
  Result<std::shared_ptr<gpu::Buffer>> put(std::span<const std::byte> bytes);

  std::shared_ptr<gpu::Device> device_;
  Operands& host_;
  gpu::MatmulProblem problem_;
  int64_t copies_bytes_;
  gpu::Transfer transfer_;
  std::shared_ptr<gpu::Buffer> weights_, x_, y_, bias_, residual_;
  bool packed_ = false;
  gpu::WeightLayout layout_ = gpu::WeightLayout::rows;
  int64_t copies_ = 1, stride_ = 0;
};

}  // namespace lathe::probe
