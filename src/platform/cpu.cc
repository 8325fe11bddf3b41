#include "platform/cpu.h"

#include <array>

#include "platform/cpu_decode.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace lathe {
namespace {

struct FeatureName {
  Feature feature;
  std::string_view name;
};
constexpr std::array kFeatureNames = {
    FeatureName{Feature::avx2, "avx2"},
    FeatureName{Feature::fma, "fma"},
    FeatureName{Feature::f16c, "f16c"},
    FeatureName{Feature::avx512f, "avx512f"},
    FeatureName{Feature::avx512bw, "avx512bw"},
    FeatureName{Feature::avx512dq, "avx512dq"},
    FeatureName{Feature::avx512vl, "avx512vl"},
    FeatureName{Feature::avx512vnni, "avx512vnni"},
    FeatureName{Feature::avx512bf16, "avx512bf16"},
    FeatureName{Feature::avxvnni, "avxvnni"},
    FeatureName{Feature::amx_int8, "amx_int8"},
    FeatureName{Feature::amx_bf16, "amx_bf16"},
    FeatureName{Feature::neon, "neon"},
    FeatureName{Feature::dotprod, "dotprod"},
    FeatureName{Feature::i8mm, "i8mm"},
    FeatureName{Feature::bf16, "bf16"},
    FeatureName{Feature::sve, "sve"},
    FeatureName{Feature::sme, "sme"},
};

constexpr FeatureSet kAvx2 = Feature::avx2 | Feature::fma | Feature::f16c;
constexpr FeatureSet kAvx512 = kAvx2 | Feature::avx512f | Feature::avx512bw | Feature::avx512dq | Feature::avx512vl;
constexpr FeatureSet kAvx512Vnni = kAvx512 | Feature::avx512vnni;
constexpr FeatureSet kDotprod = Feature::neon | Feature::dotprod;

struct IsaRow {
  Isa isa;
  std::string_view name;
  FeatureSet needs;
};
constexpr std::array kIsas = {
    IsaRow{Isa::scalar, "scalar", 0}, IsaRow{Isa::avx2, "avx2", kAvx2},
    IsaRow{Isa::avx_vnni, "avx_vnni", kAvx2 | Feature::avxvnni}, IsaRow{Isa::avx512, "avx512", kAvx512},
    IsaRow{Isa::avx512_vnni, "avx512_vnni", kAvx512Vnni},
    IsaRow{Isa::avx512_bf16, "avx512_bf16", kAvx512 | Feature::avx512bf16},
    // Every CPU with AMX has both of its products.
    IsaRow{Isa::amx, "amx", kAvx512Vnni | Feature::amx_int8 | Feature::amx_bf16},
    IsaRow{Isa::neon, "neon", Feature::neon | Feature::none}, IsaRow{Isa::dotprod, "dotprod", kDotprod},
    IsaRow{Isa::i8mm, "i8mm", kDotprod | Feature::i8mm},
    IsaRow{Isa::neon_bf16, "neon_bf16", Feature::neon | Feature::bf16},
    IsaRow{Isa::sve, "sve", Feature::neon | Feature::sve},
    IsaRow{Isa::sme, "sme", Feature::neon | Feature::sme},  // not SVE: Apple's cores have SME without it
};

const IsaRow& isa_row(Isa isa) { return kIsas[static_cast<size_t>(isa)]; }

constexpr bool table_is_in_enum_order() {
  for (size_t i = 0; i < kIsas.size(); ++i)
    if (static_cast<size_t>(kIsas[i].isa) != i) return false;
  return kIsas.size() == static_cast<size_t>(Isa::sme) + 1;
}
static_assert(table_is_in_enum_order());

#if defined(__x86_64__)

uint64_t read_xcr0() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

// Linux leaves the 8 KiB of tile state out of a process until it asks; without this the first tile instruction is
// a SIGILL. The grant holds for every thread started afterwards.
bool request_amx() {
  constexpr int kArchReqXcompPerm = 0x1023, kTileData = 18;
  return syscall(SYS_arch_prctl, kArchReqXcompPerm, kTileData) == 0;
}

FeatureSet detect() {
  X86Answers answers;
  uint32_t eax, ebx, ecx, edx;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) answers.leaf1_ecx = ecx;
  if ((answers.leaf1_ecx >> 27 & 1) != 0) answers.xcr0 = read_xcr0();  // OSXSAVE: xgetbv itself faults without it
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
    answers.leaf7_ebx = ebx, answers.leaf7_ecx = ecx, answers.leaf7_edx = edx;
    const uint32_t last_subleaf = eax;
    if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) answers.leaf7_1_eax = eax;
  }
  if (__get_cpuid(0x80000001u, &eax, &ebx, &ecx, &edx)) answers.leaf80000001_ecx = ecx;
  if ((answers.leaf7_edx >> 24 & 1) != 0) answers.amx_permitted = request_amx();
  return decode_x86(answers);
}

#elif defined(__APPLE__)

FeatureSet detect() {
  FeatureSet set = Feature::neon | Feature::none;
  const auto add = [&set](const char* name, Feature feature) {
    int present = 0;
    size_t size = sizeof present;
    if (sysctlbyname(name, &present, &size, nullptr, 0) == 0 && present != 0) set = set | feature;
  };
  add("hw.optional.arm.FEAT_DotProd", Feature::dotprod);
  add("hw.optional.arm.FEAT_I8MM", Feature::i8mm);
  add("hw.optional.arm.FEAT_BF16", Feature::bf16);
  add("hw.optional.arm.FEAT_SME", Feature::sme);
  return set;
}

#elif defined(__aarch64__)

FeatureSet detect() { return decode_aarch64(getauxval(AT_HWCAP), getauxval(AT_HWCAP2)); }

// rdsvl, once the length, into x0: by its code, since assemblers without SME have no name for it. Allowed outside of
// streaming mode.
int streaming_bytes() {
  register uint64_t bytes __asm__("x0");
  __asm__ volatile(".inst 0x04bf5820" : "=r"(bytes));
  return static_cast<int>(bytes);
}

#else

FeatureSet detect() { return 0; }

#endif

}  // namespace

std::string_view isa_name(Isa isa) { return isa_row(isa).name; }
FeatureSet isa_needs(Isa isa) { return isa_row(isa).needs; }

Result<Isa> parse_isa(std::string_view name) {
  std::string known;
  for (const IsaRow& row : kIsas) {
    if (row.name == name) return row.isa;
    known += known.empty() ? "" : ", ";
    known += row.name;
  }
  return invalid_argument("unknown instruction set '" + std::string(name) + "': expected one of " + known);
}

FeatureSet cpu_features() {
  static const FeatureSet features = detect();
  return features;
}

int streaming_vector_bits() {
#if defined(__aarch64__)
  if (has_all(cpu_features(), isa_needs(Isa::sme))) return streaming_bytes() * 8;
#endif
  return 0;
}

std::string feature_names(FeatureSet features) {
  std::string names;
  for (const FeatureName& row : kFeatureNames) {
    if (!has_all(features, static_cast<FeatureSet>(row.feature))) continue;
    if (!names.empty()) names += ' ';
    names += row.name;
  }
  return names;
}

std::string missing_features(FeatureSet have, FeatureSet need) { return feature_names(need & ~have); }

}  // namespace lathe
