// Vendor libraries beside our own kernels: opened at run time where they are installed, so that nothing depends on them
// at link time. They compute f32 products and no epilogue, and promise nothing about their order of addition.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lathe/status.h"

namespace lathe::tune {

// Row-major C[m,n] = alpha * op(A) * op(B) + beta * C. A is [m,k], or [k,m] where transposed; B is [k,n] or [n,k].
struct SgemmArgs {
  bool a_transposed = false, b_transposed = false;
  int64_t m, n, k;
  float alpha = 1;
  const float* a;
  int64_t lda;
  const float* b;
  int64_t ldb;
  float beta = 0;
  float* c;
  int64_t ldc;
};

// `batch` independent dense products of one shape.
struct ProductShape {
  int64_t batch = 1, m, n, k;
  bool a_transposed = false, b_transposed = false;
  bool packed = true;  // B is packed once as the library likes it best; false: read as it lies, in every call
};

// A product that the library was told about beforehand.
class PreparedProduct {
 public:
  virtual ~PreparedProduct() = default;
  // Packs (or, unpacked, remembers) one B; its number is what run() takes. `b` must outlive an unpacked product.
  virtual Result<int64_t> add_weights(const float* b) = 0;
  virtual void run(const float* a, int64_t weights, float* c) = 0;
};

class Provider {
 public:
  virtual ~Provider() = default;
  const std::string& name() const { return name_; }
  const std::string& version() const { return version_; }
  const std::string& library() const { return library_; }  // the file

  virtual void set_threads(int threads) const = 0;
  virtual const char* sgemm_routine() const = 0;  // the name of what sgemm() calls
  virtual void sgemm(const SgemmArgs& args) const = 0;
  // Sizes and leading dimensions up to this one.
  virtual int64_t largest_size() const = 0;

  // nullptr: sgemm is all there is.
  virtual const char* prepared_routine() const { return nullptr; }
  virtual Result<std::unique_ptr<PreparedProduct>> prepare(const ProductShape& shape) const;

 protected:
  std::string name_, version_, library_;
};

std::span<const std::string_view> known_providers();

// One of the known ones, or a cblas library by its path (a name with a slash). Opened at the first request and kept.
// An error says which names are known and which of them are installed, or why this one does not open.
Result<const Provider*> load_provider(std::string_view name);

// Every known one that opens here.
std::vector<const Provider*> installed_providers();

}  // namespace lathe::tune
