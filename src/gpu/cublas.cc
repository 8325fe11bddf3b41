#include "gpu/cublas.h"

#include <fmt/format.h>

#include <array>

#include "platform/shared_library.h"

namespace lathe::gpu {
namespace {

// cuda.h and cublas_v2.h, what is used of them. Results are 0 where all went well.
using Pointer = unsigned long long;
struct Uuid {
  std::array<unsigned char, 16> bytes{};
};
constexpr int kNoTranspose = 0, kTranspose = 1;

struct Api {
  int (*init)(unsigned flags);
  int (*device_count)(int* count);
  int (*device_get)(int* device, int ordinal);
  int (*device_uuid)(Uuid* uuid, int device);
  int (*retain)(void** context, int device);
  int (*release)(int device);
  int (*set_current)(void* context);
  int (*allocate)(Pointer* pointer, size_t bytes);
  int (*free)(Pointer pointer);
  int (*to_device)(Pointer to, const void* from, size_t bytes);
  int (*to_host)(void* to, Pointer from, size_t bytes);
  int (*synchronize)();
  int (*event_create)(void** event, unsigned flags);
  int (*event_destroy)(void* event);
  int (*event_record)(void* event, void* stream);
  int (*event_elapsed)(float* ms, void* first, void* second);
  int (*create)(void** handle);
  int (*destroy)(void* handle);
  int (*version)(void* handle, int* version);
  int (*sgemm)(void* handle, int trans_a, int trans_b, int m, int n, int k, const float* alpha, const float* a, int lda,
               const float* b, int ldb, const float* beta, float* c, int ldc);
};

Status find_all(const SharedLibrary& cuda, const SharedLibrary& blas, Api* api) {
  Status s;
  const auto find = [&](const SharedLibrary& library, const char* symbol, auto** function) {
    if (s.ok() && !library.find(symbol, function))
      s = unsupported(fmt::format("{} has no function {}", library.file(), symbol));
  };
  find(cuda, "cuInit", &api->init);
  find(cuda, "cuDeviceGetCount", &api->device_count);
  find(cuda, "cuDeviceGet", &api->device_get);
  find(cuda, "cuDeviceGetUuid", &api->device_uuid);
  find(cuda, "cuDevicePrimaryCtxRetain", &api->retain);
  find(cuda, "cuDevicePrimaryCtxRelease", &api->release);
  find(cuda, "cuCtxSetCurrent", &api->set_current);
  find(cuda, "cuMemAlloc_v2", &api->allocate);
  find(cuda, "cuMemFree_v2", &api->free);
  find(cuda, "cuMemcpyHtoD_v2", &api->to_device);
  find(cuda, "cuMemcpyDtoH_v2", &api->to_host);
  find(cuda, "cuCtxSynchronize", &api->synchronize);
  find(cuda, "cuEventCreate", &api->event_create);
  find(cuda, "cuEventDestroy_v2", &api->event_destroy);
  find(cuda, "cuEventRecord", &api->event_record);
  find(cuda, "cuEventElapsedTime", &api->event_elapsed);
  find(blas, "cublasCreate_v2", &api->create);
  find(blas, "cublasDestroy_v2", &api->destroy);
  find(blas, "cublasGetVersion_v2", &api->version);
  find(blas, "cublasSgemm_v2", &api->sgemm);
  return s;
}

Status check(int result, const char* what) {
  return result == 0 ? Status() : failed(fmt::format("cublas: {}: error {}", what, result));
}

std::string hex(const Uuid& uuid) {
  std::string text;
  for (const unsigned char byte : uuid.bytes) text += fmt::format("{:02x}", byte);
  return text;
}

class OpenedCublas final : public Cublas {
 public:
  explicit OpenedCublas(const Api& api) : api_(api) {}
  OpenedCublas(const OpenedCublas&) = delete;
  OpenedCublas& operator=(const OpenedCublas&) = delete;
  ~OpenedCublas() override {
    give_back();
    if (handle_ != nullptr) api_.destroy(handle_);
    if (retained_) api_.release(device_);
  }

  Status start(const std::string& uuid);
  int version() const override { return version_; }
  Status take(const CublasProduct& product, const float* x, const float* w, const float* y, int64_t copies) override;
  Status write_y(const float* y) override {
    return check(api_.to_device(y_, y, bytes_of(product_.m, product_.n)), "copying y");
  }
  Status read_y(float* y) override {
    return check(api_.to_host(y, y_, bytes_of(product_.m, product_.n)), "copying y back");
  }
  Status run(int64_t first, int64_t count) override;
  Result<std::vector<double>> time(int64_t count) override;

 private:
  static size_t bytes_of(int64_t rows, int64_t columns) { return static_cast<size_t>(rows * columns) * sizeof(float); }
  Status multiply(int64_t copy);
  Status put(const float* from, size_t bytes, int64_t copies, Pointer* to);
  void give_back();

  Api api_;
  int device_ = 0, version_ = 0;
  bool retained_ = false;
  void* handle_ = nullptr;
  CublasProduct product_;
  Pointer x_ = 0, w_ = 0, y_ = 0;
  int64_t copies_ = 1;
};

Status OpenedCublas::start(const std::string& uuid) {
  int count = 0;
  Status s = check(api_.init(0), "starting CUDA");
  if (s.ok()) s = check(api_.device_count(&count), "counting devices");
  bool found = false;
  for (int i = 0; i < count && s.ok() && !found; ++i) {
    Uuid here;
    s = check(api_.device_get(&device_, i), "asking for a device");
    if (s.ok()) s = check(api_.device_uuid(&here, device_), "asking for its UUID");
    found = s.ok() && hex(here) == uuid;
  }
  if (!s.ok()) return s;
  if (!found) return unsupported(fmt::format("cublas: none of {} CUDA devices has the UUID {}", count, uuid));
  void* context = nullptr;
  s = check(api_.retain(&context, device_), "opening the device");
  retained_ = s.ok();
  if (s.ok()) s = check(api_.set_current(context), "taking the device");
  if (s.ok()) s = check(api_.create(&handle_), "starting cuBLAS");
  if (s.ok()) s = check(api_.version(handle_, &version_), "asking for its version");
  return s;
}

void OpenedCublas::give_back() {
  for (Pointer* pointer : {&x_, &w_, &y_}) {
    if (*pointer != 0) api_.free(*pointer);
    *pointer = 0;
  }
}

Status OpenedCublas::put(const float* from, size_t bytes, int64_t copies, Pointer* to) {
  Status s = check(api_.allocate(to, bytes * static_cast<size_t>(copies)), "taking memory");
  for (int64_t i = 0; i < copies && s.ok(); ++i)
    s = check(api_.to_device(*to + static_cast<size_t>(i) * bytes, from, bytes), "copying an operand");
  return s;
}

Status OpenedCublas::take(const CublasProduct& product, const float* x, const float* w, const float* y,
                          int64_t copies) {
  give_back();
  for (const int64_t size : {product.m, product.n, product.k})
    if (size < 1 || size > INT32_MAX)
      return invalid_argument(fmt::format("cublas: a size of {}, needed: 1 to {}", size, INT32_MAX));
  product_ = product;
  copies_ = copies;
  Status s = put(x, bytes_of(product.m, product.k), 1, &x_);
  if (s.ok()) s = put(w, bytes_of(product.n, product.k), copies, &w_);
  if (s.ok()) s = put(y, bytes_of(product.m, product.n), 1, &y_);
  return s;
}

// It thinks in columns: y^T[n,m] = W[n,k] x^T[k,m], of which W is given transposed.
Status OpenedCublas::multiply(int64_t copy) {
  const auto m = static_cast<int>(product_.m), n = static_cast<int>(product_.n), k = static_cast<int>(product_.k);
  const Pointer w = w_ + static_cast<size_t>(copy % copies_) * bytes_of(product_.n, product_.k);
  return check(
      api_.sgemm(handle_, kTranspose, kNoTranspose, n, m, k, &product_.alpha, reinterpret_cast<const float*>(w), k,
                 reinterpret_cast<const float*>(x_), k, &product_.beta, reinterpret_cast<float*>(y_), n),
      "a product");
}

Status OpenedCublas::run(int64_t first, int64_t count) {
  Status s;
  for (int64_t i = 0; i < count && s.ok(); ++i) s = multiply(first + i);
  if (s.ok()) s = check(api_.synchronize(), "waiting for it");
  return s;
}

Result<std::vector<double>> OpenedCublas::time(int64_t count) {
  std::vector<void*> events(static_cast<size_t>(count) + 1, nullptr);
  Status s;
  for (void*& event : events)
    if (s.ok()) s = check(api_.event_create(&event, 0), "creating an event");
  if (s.ok()) s = check(api_.event_record(events[0], nullptr), "recording an event");
  for (int64_t i = 0; i < count && s.ok(); ++i) {
    s = multiply(i);
    if (s.ok()) s = check(api_.event_record(events[static_cast<size_t>(i) + 1], nullptr), "recording an event");
  }
  if (s.ok()) s = check(api_.synchronize(), "waiting for it");
  std::vector<double> ns;
  for (size_t i = 0; i + 1 < events.size() && s.ok(); ++i) {
    float ms = 0;
    s = check(api_.event_elapsed(&ms, events[i], events[i + 1]), "reading an event");
    if (s.ok() && !(ms > 0)) s = failed("cublas: two events around a product are of one time");
    ns.push_back(double{ms} * 1e6);
  }
  for (void* event : events)
    if (event != nullptr) api_.event_destroy(event);
  if (!s.ok()) return s;
  return ns;
}

}  // namespace

Result<std::unique_ptr<Cublas>> Cublas::open(const std::string& uuid, const CublasFiles& files) {
  const auto cuda = SharedLibrary::open(files.driver);
  if (!cuda) return unsupported(files.driver.front() + " not found");
  const auto blas = SharedLibrary::open(files.blas);
  if (!blas) return unsupported(fmt::format("{} not found", fmt::join(files.blas, ", ")));
  Api api{};
  if (Status s = find_all(*cuda, *blas, &api); !s.ok()) return s;
  auto opened = std::make_unique<OpenedCublas>(api);
  if (Status s = opened->start(uuid); !s.ok()) return s;
  return std::unique_ptr<Cublas>(std::move(opened));
}

}  // namespace lathe::gpu
