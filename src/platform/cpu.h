// What the CPU can execute, as a set of features. Detection asks the CPU and the operating system (XCR0, HWCAP).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lathe/status.h"

namespace lathe {

enum class Feature : uint32_t {
  none = 0,
  // x86-64
  avx2 = 1u << 0,  // with BMI2; the kernels' unit is avx2|fma|f16c, which every AVX2 machine made has
  fma = 1u << 1,
  f16c = 1u << 2,
  avx512f = 1u << 3,
  avx512bw = 1u << 4,
  avx512dq = 1u << 5,
  avx512vl = 1u << 6,
  avx512vnni = 1u << 7,
  avx512bf16 = 1u << 8,
  avxvnni = 1u << 9,
  amx_int8 = 1u << 10,
  amx_bf16 = 1u << 11,
  // Arm
  neon = 1u << 16,
  dotprod = 1u << 17,
  i8mm = 1u << 18,
  bf16 = 1u << 19,
  sve = 1u << 20,
  sme = 1u << 21,
};

using FeatureSet = uint32_t;
constexpr FeatureSet operator|(Feature a, Feature b) { return static_cast<uint32_t>(a) | static_cast<uint32_t>(b); }
constexpr FeatureSet operator|(FeatureSet a, Feature b) { return a | static_cast<uint32_t>(b); }
constexpr bool has_all(FeatureSet have, FeatureSet need) { return (have & need) == need; }

// The instruction sets a kernel file is compiled for, in order of preference. A kernel row carries one.
enum class Isa : uint8_t {
  scalar,
  avx2,
  avx_vnni,
  avx512,
  avx512_vnni,
  avx512_bf16,
  amx,
  neon,
  dotprod,
  i8mm,
  neon_bf16,
  sve,
  sme
};

std::string_view isa_name(Isa isa);
FeatureSet isa_needs(Isa isa);
// `name` as isa_name gives it; the error lists every known name.
Result<Isa> parse_isa(std::string_view name);

// The features of the CPU this runs on, detected once.
FeatureSet cpu_features();
// Bits of a vector in SME's streaming mode on this CPU; 0 where it has no SME.
int streaming_vector_bits();
// "avx2 fma f16c ..." for people.
std::string feature_names(FeatureSet features);
// Names of the features in `need` that `have` lacks; empty where none is missing.
std::string missing_features(FeatureSet have, FeatureSet need);

}  // namespace lathe
