// libcuda and libcublas as cublas_test sees them: memory is the host's, a clock ticks with every event, and a call may
// be told to fail.
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace {

const char* failing = "";
int ticks = 0;
int result(const char* name) { return std::strcmp(name, failing) == 0 ? 7 : 0; }

}  // namespace

extern "C" {

int fake_blocks = 0;
int fake_tick = 1;
void fake_fail(const char* name) { failing = name; }

int cuInit(unsigned) { return result("cuInit"); }
int cuDeviceGetCount(int* count) { return *count = 2, result("cuDeviceGetCount"); }
int cuDeviceGet(int* device, int ordinal) { return *device = ordinal, result("cuDeviceGet"); }
int cuDeviceGetUuid(unsigned char* uuid, int device) {
  std::memset(uuid, 0xa0 + device, 16);
  return result("cuDeviceGetUuid");
}
int cuDevicePrimaryCtxRetain(void** context, int) { return *context = &ticks, result("cuDevicePrimaryCtxRetain"); }
int cuDevicePrimaryCtxRelease(int) { return 0; }
int cuCtxSetCurrent(void*) { return result("cuCtxSetCurrent"); }
int cuMemAlloc_v2(unsigned long long* pointer, size_t bytes) {
  if (result("cuMemAlloc_v2") != 0) return 2;
  *pointer = reinterpret_cast<unsigned long long>(std::malloc(bytes));
  ++fake_blocks;
  return 0;
}
int cuMemFree_v2(unsigned long long pointer) {
  std::free(reinterpret_cast<void*>(pointer));
  --fake_blocks;
  return 0;
}
int cuMemcpyHtoD_v2(unsigned long long to, const void* from, size_t bytes) {
  std::memcpy(reinterpret_cast<void*>(to), from, bytes);
  return result("cuMemcpyHtoD_v2");
}
int cuMemcpyDtoH_v2(void* to, unsigned long long from, size_t bytes) {
  std::memcpy(to, reinterpret_cast<void*>(from), bytes);
  return result("cuMemcpyDtoH_v2");
}
int cuCtxSynchronize() { return result("cuCtxSynchronize"); }
int cuEventCreate(void** event, unsigned) { return *event = new int(0), result("cuEventCreate"); }
int cuEventDestroy_v2(void* event) { return delete static_cast<int*>(event), 0; }
int cuEventRecord(void* event, void*) {
  return *static_cast<int*>(event) = ticks += fake_tick, result("cuEventRecord");
}
int cuEventElapsedTime(float* ms, void* first, void* second) {
  *ms = static_cast<float>(*static_cast<int*>(second) - *static_cast<int*>(first)) / 1024;
  return result("cuEventElapsedTime");
}
int cublasCreate_v2(void** handle) { return *handle = &ticks, result("cublasCreate_v2"); }
int cublasDestroy_v2(void*) { return 0; }
int cublasGetVersion_v2(void*, int* version) { return *version = 120301, result("cublasGetVersion_v2"); }
#ifndef FAKE_WITHOUT_SGEMM
// Column-major C[m,n] = alpha op(A) op(B) + beta C; 1 is transposed.
int cublasSgemm_v2(void*, int trans_a, int trans_b, int m, int n, int k, const float* alpha, const float* a, int lda,
                   const float* b, int ldb, const float* beta, float* c, int ldc) {
  for (int j = 0; j < n; ++j)
    for (int i = 0; i < m; ++i) {
      float sum = 0;
      for (int l = 0; l < k; ++l)
        sum += a[trans_a ? i * lda + l : l * lda + i] * b[trans_b ? l * ldb + j : j * ldb + l];
      float& out = c[j * ldc + i];
      out = *alpha * sum + (*beta == 0 ? 0 : *beta * out);
    }
  return result("cublasSgemm_v2");
}
#endif
}
