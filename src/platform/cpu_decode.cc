#include "platform/cpu_decode.h"

namespace lathe {
namespace {

constexpr bool bit(uint64_t word, int index) { return (word >> index & 1) != 0; }

constexpr uint64_t kXcr0Avx = 0x6;      // XMM, YMM
constexpr uint64_t kXcr0Avx512 = 0xe6;  // and the masks, ZMM0-15 high halves, ZMM16-31
constexpr uint64_t kXcr0Amx = 0x60000;  // tile configuration and data
constexpr bool saves(uint64_t xcr0, uint64_t state) { return (xcr0 & state) == state; }

}  // namespace

FeatureSet decode_x86(const X86Answers& a) {
  FeatureSet set = 0;
  const auto add = [&set](bool present, Feature feature) {
    if (present) set = set | feature;
  };
  if (!bit(a.leaf1_ecx, 28) || !saves(a.xcr0, kXcr0Avx)) return set;
  // The avx2 files are compiled with BMI1, BMI2 and LZCNT as well, so the bit stands for all of them.
  const bool bmi = bit(a.leaf7_ebx, 3) && bit(a.leaf7_ebx, 8) && bit(a.leaf80000001_ecx, 5);
  add(bit(a.leaf7_ebx, 5) && bmi, Feature::avx2);
  add(bit(a.leaf1_ecx, 12), Feature::fma);
  add(bit(a.leaf1_ecx, 29), Feature::f16c);
  add(bit(a.leaf7_1_eax, 4), Feature::avxvnni);
  // skylake-avx512, which the avx512 files are compiled for, has CD: no machine with BW lacks it, and we check.
  if (!saves(a.xcr0, kXcr0Avx512) || !bit(a.leaf7_ebx, 16) || !bit(a.leaf7_ebx, 28)) return set;
  add(true, Feature::avx512f);
  add(bit(a.leaf7_ebx, 30), Feature::avx512bw);
  add(bit(a.leaf7_ebx, 17), Feature::avx512dq);
  add(bit(a.leaf7_ebx, 31), Feature::avx512vl);
  add(bit(a.leaf7_ecx, 11), Feature::avx512vnni);
  add(bit(a.leaf7_1_eax, 5), Feature::avx512bf16);
  if (!saves(a.xcr0, kXcr0Amx) || !bit(a.leaf7_edx, 24) || !a.amx_permitted) return set;
  add(bit(a.leaf7_edx, 25), Feature::amx_int8);
  add(bit(a.leaf7_edx, 22), Feature::amx_bf16);
  return set;
}

FeatureSet decode_aarch64(uint64_t hwcap, uint64_t hwcap2) {
  FeatureSet set = 0;
  const auto add = [&set](bool present, Feature feature) {
    if (present) set = set | feature;
  };
  add(bit(hwcap, 1), Feature::neon);  // HWCAP_ASIMD
  add(bit(hwcap, 20), Feature::dotprod);
  add(bit(hwcap, 22), Feature::sve);
  add(bit(hwcap2, 13), Feature::i8mm);
  add(bit(hwcap2, 14), Feature::bf16);
  add(bit(hwcap2, 23), Feature::sme);
  return set;
}

}  // namespace lathe
