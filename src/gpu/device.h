// A device that computes: memory, compiled shaders, recorded work. vulkan/ implements it; what stands above sees no
// header of Vulkan's. Objects keep alive what they need of the device. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gpu/device_info.h"
#include "lathe/status.h"

namespace lathe::gpu {

enum class MemoryUse : uint8_t {
  device,    // the device's own; counts against the budget
  upload,    // written by the host, read by the device
  readback,  // written by the device, read by the host
};

class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual int64_t size() const = 0;
  virtual uint64_t address() const = 0;   // as shaders see it, a multiple of 256
  virtual std::byte* mapped() const = 0;  // nullptr where only the device sees it
};

// A shader with its specialization constants.
struct PipelineSpec {
  std::string shader;               // a file of shaders/, without its suffix
  std::vector<uint32_t> constants;  // constant_id 0, 1, ...
  bool full_subgroups = false;      // of the size that DeviceInfo names
  bool operator==(const PipelineSpec&) const = default;
};

class Pipeline {
 public:
  virtual ~Pipeline() = default;
  virtual const PipelineSpec& spec() const = 0;
};

constexpr int64_t kPushBytes = 128;  // of a dispatch at most: what every device has

struct Groups {
  int64_t x = 1, y = 1;
};

// Work in the order in which it was recorded, submitted as often as wanted. Mistakes and refusals are kept until end().
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void dispatch(const Pipeline& pipeline, std::span<const std::byte> push, Groups groups) = 0;
  // Everything after it sees what everything before it wrote. Without one, neighbours may run at once.
  virtual void barrier() = 0;
  virtual void copy(const Buffer& from, int64_t from_at, const Buffer& to, int64_t to_at, int64_t bytes) = 0;
  // The time at which everything before it was done; in the order of these calls in Device::timestamps.
  virtual void timestamp() = 0;
  virtual Status end() = 0;
};

struct MemoryState {
  int64_t budget = 0, reserved = 0, used = 0;  // of MemoryUse::device, in bytes
  int64_t blocks = 0;                          // that were allocated from the system, of every use
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  virtual MemoryState memory() const = 0;

  virtual Result<std::shared_ptr<Buffer>> create_buffer(int64_t bytes, MemoryUse use) = 0;
  // Compiled once in the device's life: asked for again, it is the same one.
  virtual Result<std::shared_ptr<Pipeline>> create_pipeline(const PipelineSpec& spec) = 0;
  // Has another thread compile it, while this one goes on. create_pipeline waits for what is left of that.
  virtual void prepare_pipeline(const PipelineSpec& spec) = 0;
  // Whether create_pipeline would answer at once.
  virtual bool pipeline_ready(const PipelineSpec& spec) const = 0;
  virtual int64_t pipelines_compiled() const = 0;
  virtual Result<std::shared_ptr<Recording>> record(int timestamps = 0) = 0;

  // Runs what was recorded and ended, and waits for it.
  virtual Status submit(const Recording& recording) = 0;
  // Nanoseconds of the recording's timestamps when it last ran. An absent one, or a zero, is an error.
  virtual Result<std::vector<double>> timestamps(const Recording& recording) = 0;

  // What compiling has learnt, for DeviceOptions::pipeline_cache of the next start.
  virtual Result<std::vector<std::byte>> pipeline_cache() const = 0;
  // Why the bytes that were handed in were not taken; empty where they were, or where there were none.
  virtual const std::string& pipeline_cache_refusal() const = 0;
};

}  // namespace lathe::gpu
