#include "quant/quantize.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "quant/blocks.h"
#include "quant/k_quants.h"

namespace lathe {
namespace {

void narrow(float x, float* out) noexcept { *out = x; }
void narrow(float x, f16* out) noexcept { *out = to_f16(x); }
void narrow(float x, bf16* out) noexcept { *out = to_bf16(x); }

template <class T>
void plain(const float* x, int64_t count, std::byte* bytes) noexcept {
  for (int64_t i = 0; i < count; ++i) {
    T value;
    narrow(x[i], &value);
    std::memcpy(bytes + i * static_cast<int64_t>(sizeof value), &value, sizeof value);
  }
}

template <class Block>
void blocks(const float* x, int64_t count, std::byte* bytes) noexcept {
  for (int64_t i = 0; i < count / Block::kSize; ++i) {
    Block block;
    encode(x + i * Block::kSize, Block::kSize, &block);
    std::memcpy(bytes + i * static_cast<int64_t>(sizeof block), &block, sizeof block);
  }
}

}  // namespace

Quantize quantizer(DType dtype) noexcept {
  switch (dtype) {
    case DType::f32:
      return plain<float>;
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

float largest_value(DType dtype) noexcept {
  const bool wide = dtype == DType::f32 || dtype == DType::bf16;
  return wide ? std::numeric_limits<float>::max() : 65504.0f;
}

Status quantize(DType dtype, std::span<const float> x, std::span<std::byte> bytes) {
  const DTypeInfo& info = dtype_info(dtype);
  const Quantize encode_all = quantizer(dtype);
  if (!encode_all)
    return unsupported(fmt::format(
        "dtype is {}, needed: F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K or Q6_K", info.name));
  const auto count = static_cast<int64_t>(x.size());
  if (count % info.block != 0)
    return invalid_argument(fmt::format("count is {}, needed: a multiple of {} for {}", count, info.block, info.name));
  if (count / info.block * info.bytes != static_cast<int64_t>(bytes.size()))
    return invalid_argument(fmt::format("there is room for {} bytes, needed: {} of {} for each {} of the {} values",
                                        bytes.size(), info.bytes, info.name, info.block, count));
  for (int64_t i = 0; i < count; ++i)
    if (!(std::fabs(x[static_cast<size_t>(i)]) <= largest_value(dtype)))
      return invalid_argument(fmt::format("value {} is {}, needed: at most {} in magnitude for {}", i,
                                          x[static_cast<size_t>(i)], largest_value(dtype), info.name));
  encode_all(x.data(), count, bytes.data());
  return {};
}

}  // namespace lathe
