#include "sample/device_draw.h"

#include <algorithm>
#include <limits>

namespace lathe::sample {

gpu::DrawSettings device_draw(const SamplerOptions& options) {
  gpu::DrawSettings settings;
  if (options.top_p < 1.0f) settings.share = top_p_share(options);
  settings.scale = scale_of(options);
  settings.reach = reach_of(options);
  settings.min_p = options.min_p;
  settings.top_k = static_cast<uint32_t>(std::min<int64_t>(options.top_k, std::numeric_limits<uint32_t>::max()));
  return settings;
}

}  // namespace lathe::sample
