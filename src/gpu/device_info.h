// What a device is and can do, as plain data: the table of kernels refuses by it, `lathe inspect devices` prints it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::gpu {

enum class DeviceKind : uint8_t { discrete, integrated, virtual_gpu, cpu, other };
std::string_view kind_name(DeviceKind kind);

// What kernels may need beyond what every device that is opened has (buffer addresses, 128 bytes of push constants).
enum class Feature : uint8_t {
  subgroup_arithmetic,    // sums over a subgroup
  subgroup_broadcast,     // of a lane whose number is computed
  subgroup_size_control,  // a pipeline may ask for full subgroups of the size that the device reports
  timestamps,             // of the queue that computes
  float16,                // arithmetic in shaders
  storage16,              // 16-bit values in buffers
  storage8,
  cooperative_matrix,  // of f16, with sums in f32, and the memory model that shaders with them are written in
};
constexpr int kFeatures = static_cast<int>(Feature::cooperative_matrix) + 1;
std::string_view feature_name(Feature feature);

using FeatureSet = uint32_t;
constexpr FeatureSet feature_bit(Feature feature) { return FeatureSet{1} << static_cast<int>(feature); }
std::string feature_names(FeatureSet set);  // "subgroup_arithmetic timestamps"

// Of matrices that a subgroup multiplies: m x k times k x n.
struct MatrixSize {
  uint32_t m = 0, n = 0, k = 0;
  bool operator==(const MatrixSize&) const = default;
};

struct DeviceInfo {
  int index = 0;  // N of vulkan:N
  std::string name, driver, driver_version, api_version;
  std::string uuid;  // of the device, 32 hexadecimal digits, the same in every API; empty where it is unusable
  uint32_t driver_number = 0;  // the driver's version as the driver counts
  uint32_t vendor_id = 0, device_id = 0;
  DeviceKind kind = DeviceKind::other;
  FeatureSet features = 0;
  std::vector<MatrixSize> matrices;  // with Feature::cooperative_matrix
  int subgroup_size = 1, subgroup_least = 1, subgroup_most = 1;
  int64_t most_threads = 0;       // of a workgroup
  int64_t most_subgroups = 0;     // of a workgroup whose pipeline asks for their size
  int64_t most_groups = 0;        // of a dispatch in one dimension
  int64_t shared_bytes = 0;       // of a workgroup
  int64_t memory_bytes = 0;       // of the largest heap of the device's own
  int64_t most_buffer_bytes = 0;  // of one allocation
  double timestamp_ns = 0;        // a tick
  int timestamp_bits = 0;         // that count; 0: there are none
  std::string unusable;           // why it cannot be opened; empty where it can
};

inline bool has(const DeviceInfo& info, FeatureSet needs) { return (info.features & needs) == needs; }

}  // namespace lathe::gpu
