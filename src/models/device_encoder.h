// An encoder's passes on a device: a pass is recorded once for its shape, and submitted again for every batch that
// fits.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "models/encoder.h"
#include "ops/recorder_executor.h"

namespace lathe::models {

struct DeviceEncoderOptions {
  ops::Dispatch dispatch = ops::Dispatch::model;                // how often the device is entered for a pass
  std::function<void(int64_t done, int64_t total)> uploaded{};  // bytes of the model
  ops::MeasuredRows measured{};                                 // of products
};

class DeviceEncoder {
 public:
  // Puts the weights on the device, and has `encoder`, which must outlive this, drop its products. unsupported, with
  // what is missing, where the device cannot run the model.
  static Result<std::unique_ptr<DeviceEncoder>> open(Encoder& encoder, std::shared_ptr<gpu::Device> device,
                                                     const DeviceEncoderOptions& options);

  // As Encoder::run. A text's vector has the same bits in every run, alone or in any batch, with any dispatch.
  Status run(const ops::TextBatch& batch, const PoolOptions& pooling, float* out);

  void set_dispatch(ops::Dispatch dispatch) { dispatch_ = dispatch; }
  const gpu::DeviceInfo& info() const { return memory_.device().info(); }
  const ops::DeviceProducts& products() const { return products_; }
  int64_t uploaded_bytes() const { return memory_.uploaded_bytes(); }
  int64_t submissions() const { return submissions_; }  // so far
  int64_t recordings() const { return recordings_; }    // that were made so far

  // Tokens and texts are filled up to multiples of this, for two reasons: batches of nearly the same size share a
  // recording, and products of so many rows are all of one kernel, whose order of addition knows nothing of the others.
  static constexpr int64_t kRound = 32;
  // Shapes whose recordings are kept; the one that was not used for longest goes. A batch of up to 2048 tokens has 64
  // counts of tokens, most of them with one count of texts.
  static constexpr size_t kShapes = 128;

 private:
  // What a recording is of.
  struct Shape {
    int64_t tokens = 0, texts = 0, keep = 0;
    std::vector<Pooling> modes;
    bool skips = false, normalize = true;
    ops::Dispatch dispatch = ops::Dispatch::model;
    bool operator==(const Shape&) const = default;
  };
  struct Recorded {
    Shape shape;
    ops::DeviceProgram program;
    int64_t used = 0;
  };
  // Where a shape's inputs lie, in uint32s.
  struct Layout {
    int64_t ids, positions, offsets, skip, tiles, end, tile_count;
  };

  DeviceEncoder(Encoder& encoder, std::shared_ptr<gpu::Device> device, const DeviceEncoderOptions& options);
  Status start();
  Status make_room(int64_t tokens, int64_t texts, int64_t vector);
  Layout layout(int64_t tokens, int64_t texts) const;
  Result<const Recorded*> recorded(const Shape& shape);
  Result<Recorded> record(const Shape& shape);
  void fill(const Layout& at, const Shape& shape, const ops::TextBatch& batch, const PoolOptions& pooling);

  Encoder& encoder_;
  ops::DeviceMemory memory_;
  ops::DeviceProducts products_;
  ops::Dispatch dispatch_;
  int64_t tile_rows_ = 0;                                   // of attention
  int64_t tokens_ = 0, texts_ = 0, vector_ = 0;             // that there is room for
  std::shared_ptr<gpu::Buffer> upload_, inputs_, vectors_;  // ids and what else a batch is; what comes of it
  std::vector<gpu::AttentionTile> tiles_;
  std::vector<Recorded> programs_;
  int64_t submissions_ = 0, recordings_ = 0, runs_ = 0;
};

}  // namespace lathe::models
