// The search for scales. All sums run in one written order over four lanes, so the same weights give the same file on
// every machine.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "quant/extreme.h"
#include "quant/k_quants.h"

namespace lathe {
namespace {

// Lanes as the compiler's own vectors: every lane does what the scalar operation does, on every instruction set.
using Lanes = float __attribute__((vector_size(16)));
constexpr int kLanes = 4;

inline Lanes load(const float* x) {
  Lanes lanes;
  std::memcpy(&lanes, x, sizeof lanes);
  return lanes;
}
inline float total(Lanes a) { return (a[0] + a[2]) + (a[1] + a[3]); }

// To the nearest, ties to even, for |x| < 2^22: what is added has an ulp of 1.
constexpr float kRounder = 12582912.0f;
inline float rounded(float x) { return (x + kRounder) - kRounder; }

// Sums over the levels q = round(x * inverse + shift), kept within least .. most.
struct Sums {
  float q = 0, qq = 0, qx = 0;
};
template <int kCount>
Sums sums_of(const float* x, float inverse, float shift, float least, float most) {
  const Lanes low = {least, least, least, least}, high = {most, most, most, most};
  Lanes q{}, qq{}, qx{};
  for (int i = 0; i < kCount; i += kLanes) {
    const Lanes values = load(x + i);
    Lanes level = values * inverse + shift;
    level = level < low ? low : level;
    level = level > high ? high : level;
    level = (level + kRounder) - kRounder;
    q += level;
    qq += level * level;
    qx += level * values;
  }
  return {total(q), total(qq), total(qx)};
}

template <int kCount>
float sum_of(const float* x) {
  Lanes sum{};
  for (int i = 0; i < kCount; i += kLanes) sum += load(x + i);
  return total(sum);
}

// Finite and within f16, whose largest number is 65504.
f16 as_f16(float x) { return to_f16(std::clamp(x, -65504.0f, 65504.0f)); }

float inverse_of(float x) {
  const float inverse = 1.0f / x;
  return std::isfinite(inverse) ? inverse : 0.0f;
}

// ---- Q4_K, Q5_K: value = scale * q - minimum, both at least 0.

constexpr int kPart = 32;
constexpr int kParts = 8;
constexpr int kMostScale = 63;  // 6 bits

struct Line {
  float scale = 0, minimum = 0;
};

// The line through the levels with the least squared error, and how much of sum(x^2) it explains.
struct Fit {
  Line line;
  float explained = -1;
};
Fit fit(const Sums& s, float sum) {
  const float determinant = kPart * s.qq - s.q * s.q;
  if (determinant > 0) {
    const float scale = (kPart * s.qx - sum * s.q) / determinant;
    const float offset = (s.qq * sum - s.q * s.qx) / determinant;
    if (scale > 0 && offset <= 0) return {{scale, -offset}, scale * s.qx + offset * sum};
  }
  if (s.qq <= 0 || s.qx <= 0) return {{}, 0};
  return {{s.qx / s.qq, 0}, s.qx * s.qx / s.qq};
}

// Tries steps from a little wider to a little narrower than what spans the values: clipping the farthest value costs
// less than a coarser step for all.
Line best_line(const float* x, int most) {
  const auto [low, high] = std::minmax_element(x, x + kPart);
  const float least = std::min(*low, 0.0f), range = *high - least;
  if (inverse_of(range) == 0) return {0, -least};
  const float sum = sum_of<kPart>(x);
  const auto levels = static_cast<float>(most);
  Fit best;
  best.line = {range / levels, -least};
  for (int step = -12; step <= 12; ++step) {
    const float inverse = (levels + 0.1f * static_cast<float>(step)) / range;
    const Fit found = fit(sums_of<kPart>(x, inverse, -least * inverse, 0, levels), sum);
    if (found.explained > best.explained) best = found;
  }
  // The levels nearest to that line, and the line for those.
  for (int turn = 0; turn < 2 && best.line.scale > 0; ++turn) {
    const float inverse = inverse_of(best.line.scale);
    const Fit found = fit(sums_of<kPart>(x, inverse, best.line.minimum * inverse, 0, levels), sum);
    if (found.explained <= best.explained) break;
    best = found;
  }
  return best.line;
}

// Squared error less sum(x^2) of the nearest levels on this line.
float error_of(const float* x, float sum, Line line, int most) {
  if (line.scale <= 0) return (kPart * line.minimum + 2 * sum) * line.minimum;
  const float inverse = 1.0f / line.scale;
  const Sums s = sums_of<kPart>(x, inverse, line.minimum * inverse, 0, static_cast<float>(most));
  return line.scale * (line.scale * s.qq - 2 * s.qx - 2 * line.minimum * s.q) +
         line.minimum * (kPart * line.minimum + 2 * sum);
}

struct SuperBlock {
  f16 d{}, dmin{};
  std::array<int, kParts> scales{}, minima{};

  Line line(size_t j) const {
    return {to_float(d) * static_cast<float>(scales[j]), to_float(dmin) * static_cast<float>(minima[j])};
  }
};

int six_bits(float x) { return static_cast<int>(rounded(std::clamp(x, 0.0f, static_cast<float>(kMostScale)))); }

// Of the 6-bit scales and minima around each part's line, those with the least error.
void choose_scales(const float* x, const std::array<Line, kParts>& lines, int most, SuperBlock& block) {
  const float d = to_float(block.d), dmin = to_float(block.dmin);
  for (size_t j = 0; j < kParts; ++j) {
    const float* part = x + j * kPart;
    const float sum = sum_of<kPart>(part);
    const int scale = six_bits(lines[j].scale * inverse_of(d)), minimum = six_bits(lines[j].minimum * inverse_of(dmin));
    float least = INFINITY;
    for (int s = std::max(scale - 1, 0); s <= std::min(scale + 1, kMostScale); ++s)
      for (int m = std::max(minimum - 1, 0); m <= std::min(minimum + 1, kMostScale); ++m) {
        const float error = error_of(part, sum, {d * static_cast<float>(s), dmin * static_cast<float>(m)}, most);
        if (error >= least) continue;
        least = error;
        block.scales[j] = s;
        block.minima[j] = m;
      }
  }
}

// d and dmin with the least squared error for the levels that the block has now.
void refit(const float* x, int most, SuperBlock& block) {
  float aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;  // of a = scale * q and b = minimum
  for (size_t j = 0; j < kParts; ++j) {
    const Line line = block.line(j);
    const auto scale = static_cast<float>(block.scales[j]), minimum = static_cast<float>(block.minima[j]);
    const float inverse = inverse_of(line.scale);
    const Sums s =
        sums_of<kPart>(x + j * kPart, inverse, line.minimum * inverse, 0, inverse > 0 ? static_cast<float>(most) : 0);
    aa += scale * scale * s.qq;
    ab += scale * minimum * s.q;
    bb += minimum * minimum * kPart;
    ax += scale * s.qx;
    bx += minimum * sum_of<kPart>(x + j * kPart);
  }
  const float determinant = aa * bb - ab * ab;  // value = d * a - dmin * b
  if (determinant > 1e-6f * aa * bb) {
    const float d = (ax * bb - bx * ab) / determinant, dmin = (ax * ab - bx * aa) / determinant;
    if (d > 0 && dmin >= 0) {
      block.d = as_f16(d);
      block.dmin = as_f16(dmin);
    }
  } else if (aa > 0 && bb == 0 && ax > 0) {
    block.d = as_f16(ax / aa);
  }
}

float block_error(const float* x, int most, const SuperBlock& block) {
  float error = 0;
  for (size_t j = 0; j < kParts; ++j)
    error += error_of(x + j * kPart, sum_of<kPart>(x + j * kPart), block.line(j), most);
  return error;
}

SuperBlock search(const float* x, int most) {
  std::array<Line, kParts> lines;
  Line largest;
  for (size_t j = 0; j < kParts; ++j) {
    lines[j] = best_line(x + j * kPart, most);
    largest.scale = std::max(largest.scale, lines[j].scale);
    largest.minimum = std::max(largest.minimum, lines[j].minimum);
  }
  SuperBlock best;
  best.d = as_f16(largest.scale / kMostScale);
  best.dmin = as_f16(largest.minimum / kMostScale);
  choose_scales(x, lines, most, best);
  float least = block_error(x, most, best);
  for (int turn = 0; turn < 3; ++turn) {
    SuperBlock next = best;
    refit(x, most, next);
    choose_scales(x, lines, most, next);
    const float error = block_error(x, most, next);
    if (!(error < least)) break;
    least = error;
    best = next;
  }
  return best;
}

using Levels = std::array<uint8_t, 256>;
Levels levels_of(const float* x, int most, const SuperBlock& block) {
  Levels levels;
  for (size_t i = 0; i < levels.size(); ++i) {
    const Line line = block.line(i / kPart);
    const float inverse = inverse_of(line.scale);
    const float level = std::clamp(x[i] * inverse + line.minimum * inverse, 0.0f, static_cast<float>(most));
    levels[i] = static_cast<uint8_t>(inverse > 0 ? rounded(level) : 0.0f);
  }
  return levels;
}

// ---- Q6_K: value = scale * q, q of -32 .. 31.

constexpr int kSmallPart = 16;
constexpr int kSmallParts = 16;
constexpr float kLeastLevel = -32, kMostLevel = 31;
constexpr int kLeastSmallScale = -128, kMostSmallScale = 127;

float best_scale(const float* x) {
  const float extreme = extreme_of(x, kSmallPart);
  if (inverse_of(extreme) == 0) return 0;
  float best = extreme / kLeastLevel, explained = 0;
  for (const float sign : {-1.0f, 1.0f})
    for (int step = -10; step <= 10; ++step) {
      const float inverse = sign * (32.0f + 0.15f * static_cast<float>(step)) / extreme;
      const Sums s = sums_of<kSmallPart>(x, inverse, 0, kLeastLevel, kMostLevel);
      if (s.qq <= 0 || s.qx * s.qx <= explained * s.qq) continue;
      explained = s.qx * s.qx / s.qq;
      best = s.qx / s.qq;
    }
  return best;
}

float small_error(const float* x, float scale) {
  const Sums s = sums_of<kSmallPart>(x, inverse_of(scale), 0, kLeastLevel, kMostLevel);
  return scale * (scale * s.qq - 2 * s.qx);
}

struct SmallScales {
  f16 d{};
  std::array<int, kSmallParts> scales{};
  float error = 0;
};

void choose_scales(const float* x, const std::array<float, kSmallParts>& wanted, SmallScales& block) {
  const float d = to_float(block.d), inverse = inverse_of(d);
  block.error = 0;
  for (size_t j = 0; j < kSmallParts; ++j) {
    const int near = static_cast<int>(rounded(std::clamp(wanted[j] * inverse, -128.0f, 127.0f)));
    float least = INFINITY;
    for (int s = std::max(near - 1, kLeastSmallScale); s <= std::min(near + 1, kMostSmallScale); ++s) {
      const float error = small_error(x + j * kSmallPart, d * static_cast<float>(s));
      if (error >= least) continue;
      least = error;
      block.scales[j] = s;
    }
    block.error += least;
  }
}

void refit(const float* x, SmallScales& block) {
  float aa = 0, ax = 0;
  for (size_t j = 0; j < kSmallParts; ++j) {
    const auto scale = static_cast<float>(block.scales[j]);
    const Sums s =
        sums_of<kSmallPart>(x + j * kSmallPart, inverse_of(to_float(block.d) * scale), 0, kLeastLevel, kMostLevel);
    aa += scale * scale * s.qq;
    ax += scale * s.qx;
  }
  if (aa > 0) block.d = as_f16(ax / aa);
}

SmallScales search_small(const float* x) {
  std::array<float, kSmallParts> wanted;
  for (size_t j = 0; j < kSmallParts; ++j) wanted[j] = best_scale(x + j * kSmallPart);
  SmallScales best;
  best.d = as_f16(extreme_of(wanted.data(), kSmallParts) / kLeastSmallScale);
  choose_scales(x, wanted, best);
  for (int turn = 0; turn < 3; ++turn) {
    SmallScales next = best;
    refit(x, next);
    choose_scales(x, wanted, next);
    if (!(next.error < best.error)) break;
    best = next;
  }
  return best;
}

}  // namespace

KScales KScales::of(const std::array<int, 8>& scales, const std::array<int, 8>& minima) noexcept {
  KScales packed;
  for (size_t j = 0; j < 4; ++j) {
    const int scale = scales[j + 4], minimum = minima[j + 4];
    packed.bytes[j] = static_cast<uint8_t>(scales[j] | (scale >> 4) << 6);
    packed.bytes[j + 4] = static_cast<uint8_t>(minima[j] | (minimum >> 4) << 6);
    packed.bytes[j + 8] = static_cast<uint8_t>((scale & 15) | (minimum & 15) << 4);
  }
  return packed;
}

void encode(const float* x, BlockQ4_K* block) noexcept {
  const SuperBlock found = search(x, 15);
  const Levels levels = levels_of(x, 15, found);
  *block = {.d = found.d, .dmin = found.dmin, .scales = KScales::of(found.scales, found.minima), .qs = {}};
  for (size_t i = 0; i < sizeof block->qs; ++i) {
    const size_t low = i / 32 * 64 + i % 32;
    block->qs[i] = static_cast<uint8_t>(levels[low] | levels[low + 32] << 4);
  }
}

void encode(const float* x, BlockQ5_K* block) noexcept {
  const SuperBlock found = search(x, 31);
  const Levels levels = levels_of(x, 31, found);
  *block = {.d = found.d, .dmin = found.dmin, .scales = KScales::of(found.scales, found.minima), .qh = {}, .qs = {}};
  for (size_t i = 0; i < sizeof block->qs; ++i) {
    const size_t low = i / 32 * 64 + i % 32;
    block->qs[i] = static_cast<uint8_t>((levels[low] & 15) | (levels[low + 32] & 15) << 4);
  }
  for (size_t i = 0; i < levels.size(); ++i)
    block->qh[i % 32] = static_cast<uint8_t>(block->qh[i % 32] | (levels[i] >> 4) << (i / 32));
}

void encode(const float* x, BlockQ6_K* block) noexcept {
  const SmallScales found = search_small(x);
  *block = {.ql = {}, .qh = {}, .scales = {}, .d = found.d};
  for (size_t j = 0; j < kSmallParts; ++j) block->scales[j] = static_cast<int8_t>(found.scales[j]);
  for (size_t i = 0; i < 256; ++i) {
    const float scale = to_float(found.d) * static_cast<float>(found.scales[i / kSmallPart]);
    const float level = std::clamp(x[i] * inverse_of(scale), kLeastLevel, kMostLevel);
    const int q = static_cast<int>(rounded(level)) + 32;
    const size_t half = i / 128, group = i % 128 / 32, at = i % 32;
    uint8_t& low = block->ql[64 * half + 32 * (group % 2) + at];
    uint8_t& high = block->qh[32 * half + at];
    low = static_cast<uint8_t>(low | (q & 15) << (group / 2 * 4));
    high = static_cast<uint8_t>(high | (q >> 4) << (2 * group));
  }
}

}  // namespace lathe
