#include "quant/row_integers.h"

#include <algorithm>
#include <cmath>

namespace lathe {
namespace {

template <class Integer>
float encode(std::span<const float> x, float limit, Integer* q) {
  float largest = 0;
  for (const float v : x) largest = std::max(largest, std::fabs(v));
  const float scale = largest / limit;
  for (size_t k = 0; k < x.size(); ++k)  // a scale that underflows to 0 has no digits left to keep
    q[k] = scale == 0 ? Integer{0} : static_cast<Integer>(std::clamp(std::nearbyint(x[k] / scale), -limit, limit));
  return scale;
}

}  // namespace

float encode_row_s8(std::span<const float> x, int8_t* q) { return encode(x, 127.0f, q); }

float encode_query_s16(std::span<const float> x, int16_t* q) {
  return encode(x, static_cast<float>(query_limit(static_cast<int64_t>(x.size()))), q);
}

}  // namespace lathe
