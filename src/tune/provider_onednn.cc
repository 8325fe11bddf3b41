// oneDNN: dnnl_sgemm, and the matmul primitive with the weights' layout left to the library and packed once, which its
// documentation recommends for inference.
#include <limits>
#include <vector>

#include "base/memory.h"
#include "tune/onednn_api.h"
#include "tune/provider_libraries.h"

namespace lathe::tune {
namespace {

lathe::Status check(OneDnn::Status status, const char* what) {
  if (status == 0) return {};
  return failed(std::string("oneDNN: ") + what + " gave status " + std::to_string(status));
}

class OneDnnProduct : public PreparedProduct {
 public:
  OneDnnProduct(const OneDnn& api, void* engine, void* stream, const ProductShape& shape)
      : api_(api), engine_(engine), stream_(stream), shape_(shape) {}
  ~OneDnnProduct() override {
    for (void* memory : weights_) api_.memory_destroy(memory);
    if (src_ != nullptr) api_.memory_destroy(src_);
    if (dst_ != nullptr) api_.memory_destroy(dst_);
    if (reorder_ != nullptr) api_.primitive_destroy(reorder_);
    if (reorder_desc_ != nullptr) api_.primitive_desc_destroy(reorder_desc_);
    if (primitive_ != nullptr) api_.primitive_destroy(primitive_);
    if (desc_ != nullptr) api_.primitive_desc_destroy(desc_);
  }

  lathe::Status create();
  Result<int64_t> add_weights(const float* b) override;
  void run(const float* a, int64_t weights, float* c) override {
    api_.memory_set_data(src_, const_cast<float*>(a));
    api_.memory_set_data(dst_, c);
    const OneDnn::Arg args[] = {
        {OneDnn::kSrc, src_}, {OneDnn::kWeights, weights_[static_cast<size_t>(weights)]}, {OneDnn::kDst, dst_}};
    api_.primitive_execute(primitive_, stream_, 3, args);
    api_.stream_wait(stream_);
  }

 private:
  // A dense matrix of rows x columns, a batch of them where there is more than one.
  lathe::Status plain(int64_t rows, int64_t columns, bool transposed, OneDnn::MemoryDesc* desc) const;
  lathe::Status any(int64_t rows, int64_t columns, OneDnn::MemoryDesc* desc) const;
  lathe::Status create_reorder();
  lathe::Status reorder(void* from, void* to);
  int dimensions() const { return shape_.batch > 1 ? 3 : 2; }

  const OneDnn& api_;
  void* const engine_;
  void* const stream_;
  const ProductShape shape_;
  OneDnn::MemoryDesc plain_weights_;
  void* desc_ = nullptr;
  void* primitive_ = nullptr;
  const OneDnn::MemoryDesc* packed_desc_ = nullptr;  // desc_'s own
  void* reorder_desc_ = nullptr;
  void* reorder_ = nullptr;
  void* src_ = nullptr;
  void* dst_ = nullptr;
  std::vector<void*> weights_;
  std::vector<Buffer> packed_;
};

lathe::Status OneDnnProduct::plain(int64_t rows, int64_t columns, bool transposed, OneDnn::MemoryDesc* desc) const {
  const int64_t row = transposed ? 1 : columns, column = transposed ? rows : 1;
  const OneDnn::Dims dims3 = {shape_.batch, rows, columns}, strides3 = {rows * columns, row, column};
  const int skip = 3 - dimensions();
  return check(api_.desc_by_strides(desc, dimensions(), dims3 + skip, OneDnn::kF32, strides3 + skip),
               "memory_desc_init_by_strides");
}

lathe::Status OneDnnProduct::any(int64_t rows, int64_t columns, OneDnn::MemoryDesc* desc) const {
  const OneDnn::Dims dims3 = {shape_.batch, rows, columns};
  return check(api_.desc_by_tag(desc, dimensions(), dims3 + 3 - dimensions(), OneDnn::kF32, OneDnn::kAny),
               "memory_desc_init_by_tag");
}

lathe::Status OneDnnProduct::create() {
  OneDnn::MemoryDesc src, weights, dst;
  OneDnn::MatmulDesc matmul;
  if (auto s = plain(shape_.m, shape_.k, shape_.a_transposed, &src); !s.ok()) return s;
  if (auto s = plain(shape_.k, shape_.n, shape_.b_transposed, &plain_weights_); !s.ok()) return s;
  if (auto s = plain(shape_.m, shape_.n, false, &dst); !s.ok()) return s;
  if (auto s = any(shape_.k, shape_.n, &weights); !s.ok()) return s;
  const OneDnn::MemoryDesc* const chosen = shape_.packed ? &weights : &plain_weights_;
  if (auto s = check(api_.matmul_desc(&matmul, &src, chosen, nullptr, &dst), "matmul_desc_init"); !s.ok()) return s;
  if (auto s = check(api_.primitive_desc_create(&desc_, &matmul, nullptr, engine_, nullptr), "primitive_desc_create");
      !s.ok())
    return s;
  if (auto s = check(api_.primitive_create(&primitive_, desc_), "primitive_create"); !s.ok()) return s;
  if (auto s = check(api_.memory_create(&src_, &src, engine_, nullptr), "memory_create"); !s.ok()) return s;
  if (auto s = check(api_.memory_create(&dst_, &dst, engine_, nullptr), "memory_create"); !s.ok()) return s;
  return shape_.packed ? create_reorder() : lathe::Status();
}

lathe::Status OneDnnProduct::reorder(void* from, void* to) {
  const OneDnn::Arg args[] = {{OneDnn::kSrc, from}, {OneDnn::kDst, to}};
  auto status = check(api_.primitive_execute(reorder_, stream_, 2, args), "primitive_execute of the reorder");
  api_.stream_wait(stream_);
  return status;
}

// Made once: there may be hundreds of weights.
lathe::Status OneDnnProduct::create_reorder() {
  packed_desc_ = api_.primitive_desc_query_md(desc_, OneDnn::kQueryWeights, 0);
  if (auto s = check(api_.reorder_desc_create(&reorder_desc_, &plain_weights_, engine_, packed_desc_, engine_, nullptr),
                     "reorder_primitive_desc_create");
      !s.ok())
    return s;
  return check(api_.primitive_create(&reorder_, reorder_desc_), "primitive_create of the reorder");
}

Result<int64_t> OneDnnProduct::add_weights(const float* b) {
  void* memory = nullptr;
  if (auto s = check(api_.memory_create(&memory, &plain_weights_, engine_, const_cast<float*>(b)), "memory_create");
      !s.ok())
    return s;
  if (shape_.packed) {
    auto buffer = Buffer::create(static_cast<int64_t>(api_.desc_size(packed_desc_)));
    void* packed = nullptr;
    auto status = buffer.status();
    if (status.ok())
      status = check(api_.memory_create(&packed, packed_desc_, engine_, buffer->data()), "memory_create");
    if (status.ok()) status = reorder(memory, packed);
    api_.memory_destroy(memory);
    if (!status.ok()) {
      if (packed != nullptr) api_.memory_destroy(packed);
      return status;
    }
    packed_.push_back(std::move(*buffer));
    memory = packed;
  }
  weights_.push_back(memory);
  return static_cast<int64_t>(weights_.size()) - 1;
}

class OneDnnProvider : public Provider {
 public:
  OneDnnProvider(const SharedLibrary& library, const OneDnn& api) : api_(api) {
    const OneDnn::Version& v = *api_.version();
    name_ = "onednn", library_ = library.file();
    version_ = "oneDNN " + std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.patch);
  }
  // Engine and stream live as long as the library, that is as long as the process.
  lathe::Status start() {
    if (auto s = check(api_.engine_create(&engine_, OneDnn::kCpu, 0), "engine_create"); !s.ok()) return s;
    return check(api_.stream_create(&stream_, engine_, OneDnn::kInOrder), "stream_create");
  }

  void set_threads(int threads) const override {
    if (api_.set_threads != nullptr) api_.set_threads(threads);
  }
  const char* sgemm_routine() const override { return "dnnl_sgemm"; }
  int64_t largest_size() const override { return std::numeric_limits<int>::max(); }
  void sgemm(const SgemmArgs& g) const override {
    api_.sgemm(g.a_transposed ? 'T' : 'N', g.b_transposed ? 'T' : 'N', g.m, g.n, g.k, g.alpha, g.a, g.lda, g.b, g.ldb,
               g.beta, g.c, g.ldc);
  }
  const char* prepared_routine() const override { return "dnnl_matmul"; }
  Result<std::unique_ptr<PreparedProduct>> prepare(const ProductShape& shape) const override {
    auto product = std::make_unique<OneDnnProduct>(api_, engine_, stream_, shape);
    if (auto status = product->create(); !status.ok()) return status;
    return std::unique_ptr<PreparedProduct>(std::move(product));
  }

 private:
  OneDnn api_;
  void* engine_ = nullptr;
  void* stream_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<Provider>> open_onednn() {
  const auto library = SharedLibrary::open({"libdnnl.so.2", "libdnnl.so"});
  if (!library) return library.status();
  const auto api = OneDnn::load(*library);
  if (!api) return api.status();
  auto provider = std::make_unique<OneDnnProvider>(*library, *api);
  if (auto status = provider->start(); !status.ok()) return status;
  return std::unique_ptr<Provider>(std::move(provider));
}

}  // namespace lathe::tune
