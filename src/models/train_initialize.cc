#include "models/train_initialize.h"

#include <algorithm>
#include <cmath>

#include "ops/share.h"
#include "sample/random.h"

namespace lathe::models {
namespace {

// A sum of eight whole numbers below 2^16, one draw of Philox, brought to mean 0 and deviation 1: normal to within a
// kurtosis of 2.85 (3), bounded by 4.9, and exact integers until the one rounding of the product. The last word of the
// counter keeps these draws apart from a sampler's.
float normal(uint64_t seed, uint64_t draw) {
  const auto words = sample::philox({static_cast<uint32_t>(draw), static_cast<uint32_t>(draw >> 32), 0, 1},
                                    {static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)});
  int32_t twice = -8 * 65535;  // the mean of twice the sum
  for (const uint32_t word : words) twice += static_cast<int32_t>(2 * ((word & 0xffff) + (word >> 16)));
  constexpr float kInverseOfTwiceDeviation = 0x1.3988e2p-17f;  // 1 / (2 sqrt(8 (2^32 - 1) / 12))
  return static_cast<float>(twice) * kInverseOfTwiceDeviation;
}

}  // namespace

void initialize_weights(Team& team, const TrainConfig& config, const TrainLayout& layout, uint64_t seed,
                        float* weights) {
  const float residual =
      static_cast<float>(static_cast<double>(config.init_scale) / std::sqrt(2.0 * static_cast<double>(config.layers)));
  team.run([&](const Team::Worker& worker) {
    for (size_t i = 0; i < layout.tensors.size(); ++i) {
      const TrainTensor& tensor = layout.tensors[i];
      const ops::Share share(worker, tensor.size);
      float* const out = weights + tensor.offset;
      const TrainLayout::First first = layout.first[i];
      if (first == TrainLayout::First::ones || first == TrainLayout::First::zeros) {
        std::fill(out + share.begin, out + share.end, first == TrainLayout::First::ones ? 1.0f : 0.0f);
        continue;
      }
      const float deviation = first == TrainLayout::First::residual ? residual : config.init_scale;
      for (int64_t j = share.begin; j < share.end; ++j)
        out[j] = normal(seed, static_cast<uint64_t>(tensor.offset + j)) * deviation;
    }
  });
}

}  // namespace lathe::models
