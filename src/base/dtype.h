// How the values of a tensor are stored, in memory and in files.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace lathe {

enum class DType : uint8_t {
  f32,
  f16,
  bf16,
  f64,
  f8_e4m3,
  f8_e5m2,
  boolean,
  i8,
  u8,
  i16,
  u16,
  i32,
  u32,
  i64,
  u64,
  // Blocks along a tensor's last dimension. src/quant defines those that can be decoded; the rest are known by name
  // and size, so that a file that holds them can be listed.
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq1_s,
  iq1_m,
  iq2_xxs,
  iq2_xs,
  iq2_s,
  iq3_xxs,
  iq3_s,
  iq4_nl,
  iq4_xs,
  tq1_0,
  tq2_0,
  mxfp4,
};
constexpr int kDTypes = static_cast<int>(DType::mxfp4) + 1;

struct DTypeInfo {
  std::string_view name;
  int block;  // values that are stored together; 1 for plain types
  int bytes;  // of one block
};

inline constexpr std::array<DTypeInfo, kDTypes> kDTypeInfos = {{
    {"F32", 1, 4},        {"F16", 1, 2},       {"BF16", 1, 2},       {"F64", 1, 8},        {"F8_E4M3", 1, 1},
    {"F8_E5M2", 1, 1},    {"BOOL", 1, 1},      {"I8", 1, 1},         {"U8", 1, 1},         {"I16", 1, 2},
    {"U16", 1, 2},        {"I32", 1, 4},       {"U32", 1, 4},        {"I64", 1, 8},        {"U64", 1, 8},
    {"Q4_0", 32, 18},     {"Q4_1", 32, 20},    {"Q5_0", 32, 22},     {"Q5_1", 32, 24},     {"Q8_0", 32, 34},
    {"Q2_K", 256, 84},    {"Q3_K", 256, 110},  {"Q4_K", 256, 144},   {"Q5_K", 256, 176},   {"Q6_K", 256, 210},
    {"IQ1_S", 256, 50},   {"IQ1_M", 256, 56},  {"IQ2_XXS", 256, 66}, {"IQ2_XS", 256, 74},  {"IQ2_S", 256, 82},
    {"IQ3_XXS", 256, 98}, {"IQ3_S", 256, 110}, {"IQ4_NL", 32, 18},   {"IQ4_XS", 256, 136}, {"TQ1_0", 256, 54},
    {"TQ2_0", 256, 66},   {"MXFP4", 32, 17},
}};

constexpr const DTypeInfo& dtype_info(DType dtype) { return kDTypeInfos[static_cast<size_t>(dtype)]; }
constexpr std::string_view dtype_name(DType dtype) { return dtype_info(dtype).name; }

}  // namespace lathe
