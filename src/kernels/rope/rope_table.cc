#include <cmath>

#include "kernels/rope/rope.h"

namespace lathe::rope {

void build_table(const TableArgs& args, float* cos, float* sin) noexcept {
  const int64_t half = args.rotary / 2;
  for (int64_t p = 0; p < args.count; ++p) {
    const double position = static_cast<double>(args.first_position + p) / args.position_scale;
    for (int64_t i = 0; i < half; ++i) {
      double frequency = std::pow(args.base, -2.0 * static_cast<double>(i) / static_cast<double>(args.rotary));
      if (args.frequency_factors != nullptr) frequency /= args.frequency_factors[i];
      const double angle = position * frequency;
      cos[p * half + i] = static_cast<float>(std::cos(angle) * args.magnitude);
      sin[p * half + i] = static_cast<float>(std::sin(angle) * args.magnitude);
    }
  }
}

}  // namespace lathe::rope
