// What a device holds of a model. Model code speaks of host memory: this knows which memory of the device stands for
// it. The buffers that a pass works in are mirrored; weights, norms and tables are uploaded once, when they are first
// asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "gpu/place.h"
#include "gpu/transfer.h"
#include "gpu/weights.h"
#include "ops/embedding.h"
#include "ops/matmul.h"
#include "ops/rope.h"

namespace lathe::ops {

class DeviceMemory {
 public:
  // Is told of every piece of a model that is there, with the bytes of all so far.
  using Uploaded = std::function<void(int64_t bytes)>;
  explicit DeviceMemory(std::shared_ptr<gpu::Device> device, Uploaded uploaded = {})
      : device_(device), transfer_(std::move(device)), uploaded_(std::move(uploaded)) {}

  gpu::Device& device() const { return *device_; }

  // Memory that passes write: the device has its own, once something in it is asked for. It stays where it is.
  void mirror(std::span<const std::byte> host);
  // What was recorded for mirrored memory must not run again.
  void forget_mirrors() { mirrors_.clear(); }
  // The device's copy of `bytes` of it, from `host` on.
  Result<gpu::Place> place(const void* host, int64_t bytes);
  Status download(const void* host, std::span<std::byte> to);

  // Memory of the device alone, with anything in it.
  Result<std::shared_ptr<gpu::Buffer>> create(int64_t bytes);

  // What does not change: known by where it lies on the host, where it stays.
  Result<gpu::Place> constant(const float* values, int64_t count);
  // A product's weights in panels. unsupported where the device has no such type; what is the host's may go afterwards.
  Result<gpu::Place> weights(const Weights& weights);
  struct Rows {
    gpu::WeightType type;
    gpu::WeightLayout layout;
    gpu::Place place;
  };
  // The rows of a table as they are stored where the device has the type, else widened to f32.
  Result<Rows> rows(const EmbeddingTable& table);
  // Of a table whose rows are the columns of `weights`: they lie on the device once, as weights, where those have the
  // type that rows() gives, so that a look-up has the same bits.
  void share(const EmbeddingTable& table, const Weights& weights);
  static bool can_share(const EmbeddingTable& table, const Weights& weights);
  // The same, widened to f32 in any case, without gaps between the rows.
  Result<gpu::Place> floats(const EmbeddingTable& table);
  // (cos, sin) of each position and pair; again where the table has grown since.
  Result<gpu::Place> angles(const RopeTable& table);

  int64_t uploaded_bytes() const { return bytes_; }

 private:
  struct Mirror {
    int64_t bytes;
    std::shared_ptr<gpu::Buffer> buffer;
  };
  struct Angles {
    int64_t positions = 0;
    std::shared_ptr<gpu::Buffer> buffer;
  };

  Result<std::shared_ptr<gpu::Buffer>> upload(std::span<const std::byte> bytes);
  Result<Mirror*> mirror_of(const void* host, int64_t bytes, int64_t& at);

  std::shared_ptr<gpu::Device> device_;
  gpu::Transfer transfer_;
  Uploaded uploaded_;
  int64_t bytes_ = 0;
  std::map<const std::byte*, Mirror> mirrors_;  // by their first byte
  std::map<const void*, std::shared_ptr<gpu::Buffer>> constants_, weights_, tables_, row_buffers_;
  std::map<const EmbeddingTable*, Rows> rows_;
  std::map<const EmbeddingTable*, const Weights*> shared_;
  std::map<const RopeTable*, Angles> angles_;
};

}  // namespace lathe::ops
