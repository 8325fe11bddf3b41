// Weights as shaders read them: units of 16 bytes of one column each (shaders/product.glsl), and behind them the scales
// of quantised ones, two bytes each, so that every load of weights is a whole aligned vector.
//
//   rows     [n][units] units; scales [n][scales], scales even
//   panels   [n/32][units][32] units; scales [n/32][scales][32]; the last panel is filled up with zeros
//
// Gated weights have 2n columns, gates first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "lathe/status.h"

namespace lathe::gpu {

enum class WeightType : uint8_t { f32, f16, q8_0, q4_0 };  // in the order of the shaders' constant_id 1
constexpr int kWeightTypes = static_cast<int>(WeightType::q4_0) + 1;
std::string_view type_name(WeightType type);

enum class WeightLayout : uint8_t { rows, panels };
std::string_view layout_name(WeightLayout layout);

constexpr int64_t kPanel = 32;      // columns
constexpr int64_t kUnitBytes = 16;  // of one column
constexpr int64_t k_of_unit(WeightType type) { return int64_t{4} << static_cast<int>(type); }
constexpr bool is_quantised(WeightType type) { return type >= WeightType::q8_0; }

struct PackedSize {
  int64_t units = 0;      // of a column
  int64_t scales = 0;     // of a column
  int64_t scales_at = 0;  // where they begin, in bytes; where there are none, the end
  int64_t bytes = 0;
};
// invalid_argument where a size is below 1 or the whole does not fit in 63 bits.
Result<PackedSize> packed_size(WeightType type, WeightLayout layout, int64_t columns, int64_t k);

// Bytes of one column where it comes from: values, or blocks of 32 as src/quant has them, ceil(k / 32) of them.
int64_t source_column_bytes(WeightType type, int64_t k);

// `columns` columns of `from`, one behind the other, into `to`, which holds packed_size().bytes.
Status pack_weights(WeightType type, WeightLayout layout, int64_t columns, int64_t k, std::span<const std::byte> from,
                    std::span<std::byte> to);

}  // namespace lathe::gpu
