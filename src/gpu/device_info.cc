#include "gpu/device_info.h"

namespace lathe::gpu {

std::string_view kind_name(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::discrete:
      return "discrete";
    case DeviceKind::integrated:
      return "integrated";
    case DeviceKind::virtual_gpu:
      return "virtual";
    case DeviceKind::cpu:
      return "cpu";
    case DeviceKind::other:
      return "other";
  }
  return "?";
}

std::string_view feature_name(Feature feature) {
  switch (feature) {
    case Feature::subgroup_arithmetic:
      return "subgroup_arithmetic";
    case Feature::subgroup_broadcast:
      return "subgroup_broadcast";
    case Feature::subgroup_size_control:
      return "subgroup_size_control";
    case Feature::timestamps:
      return "timestamps";
    case Feature::float16:
      return "float16";
    case Feature::storage16:
      return "storage16";
    case Feature::storage8:
      return "storage8";
    case Feature::cooperative_matrix:
      return "cooperative_matrix";
  }
  return "?";
}

std::string feature_names(FeatureSet set) {
  std::string names;
  for (int i = 0; i < kFeatures; ++i) {
    const auto feature = static_cast<Feature>(i);
    if ((set & feature_bit(feature)) == 0) continue;
    names += (names.empty() ? "" : " ") + std::string(feature_name(feature));
  }
  return names;
}

}  // namespace lathe::gpu
