#include "quant/dequantize.h"

#include <fmt/format.h>

#include <cstring>

#include "base/checked.h"
#include "quant/blocks.h"
#include "quant/k_quants.h"

namespace lathe {
namespace {

float widen(float x) noexcept { return x; }
float widen(double x) noexcept { return static_cast<float>(x); }
float widen(f16 x) noexcept { return to_float(x); }
float widen(bf16 x) noexcept { return to_float(x); }

template <class T>
void plain(const std::byte* bytes, int64_t count, float* out) noexcept {
  for (int64_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
    out[i] = widen(value);
  }
}

template <class Block>
void blocks(const std::byte* bytes, int64_t count, float* out) noexcept {
  for (int64_t i = 0; i < count / Block::kSize; ++i) {
    Block block;
    std::memcpy(&block, bytes + i * static_cast<int64_t>(sizeof(Block)), sizeof(Block));
    decode(block, out + i * Block::kSize);
  }
}

template <class Block>
constexpr bool is_sized(DType dtype) {
  return dtype_info(dtype).bytes == sizeof(Block) && dtype_info(dtype).block == Block::kSize;
}
static_assert(is_sized<BlockQ8_0>(DType::q8_0) && is_sized<BlockQ4_0>(DType::q4_0) && is_sized<BlockQ4_1>(DType::q4_1));
static_assert(is_sized<BlockQ5_0>(DType::q5_0) && is_sized<BlockQ5_1>(DType::q5_1) && is_sized<BlockQ4_K>(DType::q4_k));
static_assert(is_sized<BlockQ5_K>(DType::q5_k) && is_sized<BlockQ6_K>(DType::q6_k));

}  // namespace

Dequantize dequantizer(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32:
      return plain<float>;
    case DType::f64:
      return plain<double>;
    case DType::f16:
      return plain<f16>;
    case DType::bf16:
      return plain<bf16>;
    case DType::q4_0:
      return blocks<BlockQ4_0>;
    case DType::q4_1:
      return blocks<BlockQ4_1>;
    case DType::q5_0:
      return blocks<BlockQ5_0>;
    case DType::q5_1:
      return blocks<BlockQ5_1>;
    case DType::q8_0:
      return blocks<BlockQ8_0>;
    case DType::q4_k:
      return blocks<BlockQ4_K>;
    case DType::q5_k:
      return blocks<BlockQ5_K>;
    case DType::q6_k:
      return blocks<BlockQ6_K>;
    default:
      return nullptr;
  }
}

Status dequantize(DType dtype, std::span<const std::byte> bytes, int64_t count, float* out) {
  const DTypeInfo& info = dtype_info(dtype);
  const Dequantize decode_all = dequantizer(dtype);
  if (!decode_all)
    return unsupported(fmt::format(
        "dtype is {}, needed: F32, F16, BF16, F64, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K", info.name));
  if (count < 0 || count % info.block != 0)
    return invalid_argument(fmt::format("count is {}, needed: a multiple of {} for {}", count, info.block, info.name));
  const auto needed = checked_mul(count / info.block, info.bytes);
  if (!needed || *needed != static_cast<int64_t>(bytes.size()))
    return invalid_argument(fmt::format("bytes are {}, needed: {} of {} for each {} of the {} values", bytes.size(),
                                        info.bytes, info.name, info.block, count));
  decode_all(bytes.data(), count, out);
  return {};
}

}  // namespace lathe
