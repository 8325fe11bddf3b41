// OpenBLAS, BLIS and whatever else has the cblas interface.
#include <functional>
#include <limits>

#include "platform/shared_library.h"
#include "tune/provider_libraries.h"

namespace lathe::tune {
namespace {

// cblas.h, with the plain 32-bit integers of the usual builds.
constexpr int kRowMajor = 101, kNoTrans = 111, kTrans = 112;
using CblasSgemm = void(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float* a, int lda,
                        const float* b, int ldb, float beta, float* c, int ldc);

class CblasProvider : public Provider {
 public:
  CblasProvider(std::string name, std::string version, const SharedLibrary& library, CblasSgemm* function,
                std::function<void(int)> setter)
      : sgemm_(function), set_threads_(std::move(setter)) {
    name_ = std::move(name), version_ = std::move(version), library_ = library.file();
  }
  void set_threads(int threads) const override {
    if (set_threads_) set_threads_(threads);
  }
  const char* sgemm_routine() const override { return "cblas_sgemm"; }
  int64_t largest_size() const override { return std::numeric_limits<int>::max(); }
  void sgemm(const SgemmArgs& g) const override {
    const auto narrow = [](int64_t x) { return static_cast<int>(x); };  // the caller kept to largest_size()
    sgemm_(kRowMajor, g.a_transposed ? kTrans : kNoTrans, g.b_transposed ? kTrans : kNoTrans, narrow(g.m), narrow(g.n),
           narrow(g.k), g.alpha, g.a, narrow(g.lda), g.b, narrow(g.ldb), g.beta, g.c, narrow(g.ldc));
  }

 private:
  CblasSgemm* sgemm_;
  std::function<void(int)> set_threads_;
};

Result<CblasSgemm*> find_sgemm(const SharedLibrary& library) {
  CblasSgemm* sgemm = nullptr;
  if (!library.find("cblas_sgemm", &sgemm)) return not_found(library.file() + " has no function cblas_sgemm");
  return sgemm;
}

// Whichever of the usual thread setters the library has.
std::function<void(int)> find_thread_setter(const SharedLibrary& library) {
  void (*set_int)(int) = nullptr;
  for (const char* symbol : {"openblas_set_num_threads", "MKL_Set_Num_Threads", "omp_set_num_threads"})
    if (library.find(symbol, &set_int)) return set_int;
  void (*set_dim)(int64_t) = nullptr;
  if (library.find("bli_thread_set_num_threads", &set_dim)) return set_dim;
  return {};
}

Result<std::unique_ptr<Provider>> open_named(const std::string& name, const std::string& path) {
  const auto library = SharedLibrary::open({path});
  if (!library) return library.status();
  const auto sgemm = find_sgemm(*library);
  if (!sgemm) return sgemm.status();
  return std::unique_ptr<Provider>(
      std::make_unique<CblasProvider>(name, "version unknown", *library, *sgemm, find_thread_setter(*library)));
}

#if defined(__x86_64__)
constexpr const char* kLibraries = "/usr/lib/x86_64-linux-gnu/";
#else
constexpr const char* kLibraries = "/usr/lib/aarch64-linux-gnu/";
#endif

}  // namespace

Result<std::unique_ptr<Provider>> open_openblas() {
  // Debian installs serial, OpenMP and pthread builds side by side; the last is its default and upstream's.
  const auto library = SharedLibrary::open({std::string(kLibraries) + "openblas-pthread/libopenblas.so.0",
                                            "libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"});
  if (!library) return library.status();
  const auto sgemm = find_sgemm(*library);
  if (!sgemm) return sgemm.status();
  const char* (*config)() = nullptr;
  const std::string version = library->find("openblas_get_config", &config) ? config() : "version unknown";
  return std::unique_ptr<Provider>(
      std::make_unique<CblasProvider>("openblas", version, *library, *sgemm, find_thread_setter(*library)));
}

Result<std::unique_ptr<Provider>> open_blis() {
  const auto library =
      SharedLibrary::open({std::string(kLibraries) + "blis-pthread/libblis.so.4", "libblis.so.4", "libblis.so"});
  if (!library) return library.status();
  const auto sgemm = find_sgemm(*library);
  if (!sgemm) return sgemm.status();
  const char* (*version_of)() = nullptr;
  const std::string version = library->find("bli_info_get_version_str", &version_of) ? version_of() : "unknown";
  return std::unique_ptr<Provider>(
      std::make_unique<CblasProvider>("blis", "BLIS " + version, *library, *sgemm, find_thread_setter(*library)));
}

Result<std::unique_ptr<Provider>> open_accelerate() {
  return open_named("accelerate", "/System/Library/Frameworks/Accelerate.framework/Accelerate");
}

Result<std::unique_ptr<Provider>> open_cblas(const std::string& path) { return open_named(path, path); }

}  // namespace lathe::tune
