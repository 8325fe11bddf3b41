// The part of oneDNN 2.x's C interface that a product needs, declared here so that its headers are needed neither to
// build nor to run. Descriptors are plain structs of the caller's; 2.6 fills 696 bytes of a memory descriptor and 2,800
// of a matmul descriptor, and the room here leaves it three times that.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lathe/status.h"
#include "platform/shared_library.h"

namespace lathe::tune {

struct OneDnn {
  using Status = int;  // 0: success
  using Dims = int64_t[12];
  struct alignas(64) MemoryDesc {
    std::byte room[2048];
  };
  struct alignas(64) MatmulDesc {
    std::byte room[8192];
  };
  struct Version {
    int major, minor, patch;
    const char* hash;
    unsigned cpu_runtime, gpu_runtime;
  };
  struct Arg {
    int which;
    void* memory;
  };
  static constexpr int kF32 = 3, kAny = 1, kCpu = 1, kInOrder = 1;
  static constexpr int kSrc = 1, kDst = 17, kWeights = 33;  // arguments; of a reorder: kSrc to kDst
  static constexpr int kQueryWeights = 131;

  const Version* (*version)();
  Status (*sgemm)(char trans_a, char trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a, int64_t lda,
                  const float* b, int64_t ldb, float beta, float* c, int64_t ldc);
  Status (*engine_create)(void** engine, int kind, size_t index);
  Status (*stream_create)(void** stream, void* engine, unsigned flags);
  Status (*stream_wait)(void* stream);
  Status (*desc_by_tag)(MemoryDesc*, int ndims, const Dims dims, int type, int tag);
  Status (*desc_by_strides)(MemoryDesc*, int ndims, const Dims dims, int type, const Dims strides);
  Status (*matmul_desc)(MatmulDesc*, const MemoryDesc* src, const MemoryDesc* weights, const MemoryDesc* bias,
                        const MemoryDesc* dst);
  Status (*primitive_desc_create)(void** desc, const void* op, const void* attr, void* engine, const void* hint);
  const MemoryDesc* (*primitive_desc_query_md)(const void* desc, int what, int index);
  Status (*primitive_desc_destroy)(void* desc);
  Status (*reorder_desc_create)(void** desc, const MemoryDesc* from, void* from_engine, const MemoryDesc* to,
                                void* to_engine, const void* attr);
  Status (*primitive_create)(void** primitive, const void* desc);
  Status (*primitive_execute)(const void* primitive, void* stream, int count, const Arg* args);
  Status (*primitive_destroy)(void* primitive);
  Status (*memory_create)(void** memory, const MemoryDesc*, void* engine, void* data);
  Status (*memory_set_data)(void* memory, void* data);
  Status (*memory_destroy)(void* memory);
  size_t (*desc_size)(const MemoryDesc*);
  void (*set_threads)(int);  // the OpenMP runtime's; nullptr where the library has another or none

  // Every function found, and the version one that is declared here.
  static Result<OneDnn> load(const SharedLibrary& library);
};

}  // namespace lathe::tune
