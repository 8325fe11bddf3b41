// cuBLAS as a peer of our kernels on NVIDIA's devices: opened at run time where libcuda and libcublas are installed, so
// that nothing depends on them. Products of f32 alone, timed by CUDA's own events.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lathe/status.h"

namespace lathe::gpu {

struct CublasFiles {
  std::vector<std::string> driver = {"libcuda.so.1"};
  std::vector<std::string> blas = {"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"};
};

// y[m,n] = alpha * x[m,k] * W[n,k]^T + beta * y, all of them dense.
struct CublasProduct {
  int64_t m = 1, n = 1, k = 1;
  float alpha = 1.0f, beta = 0.0f;
};

class Cublas {
 public:
  // On the device of that UUID, as DeviceInfo has it. unsupported where a library or the device is not there.
  static Result<std::unique_ptr<Cublas>> open(const std::string& uuid, const CublasFiles& files = {});
  virtual ~Cublas() = default;
  virtual int version() const = 0;

  // Takes the operands, with `copies` of the weights; what was taken before goes.
  virtual Status take(const CublasProduct& product, const float* x, const float* w, const float* y, int64_t copies) = 0;
  virtual Status write_y(const float* y) = 0;
  virtual Status read_y(float* y) = 0;
  // `count` products on the copies in turn, and waits for them.
  virtual Status run(int64_t first, int64_t count) = 0;
  // The same with an event around each: nanoseconds.
  virtual Result<std::vector<double>> time(int64_t count) = 0;
};

}  // namespace lathe::gpu
