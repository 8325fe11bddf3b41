// A SIGILL handler that carries out VDPBF16PS of 512 bits without a mask, for a machine that has AVX-512 and not this
// (Bochs): register, memory and broadcast operand. What is linked with it has the instruction, as detection is told.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/types.h"
#include "platform/cpu.h"
#include "trapped.h"

// The linker's --wrap: every call of lathe::cpu_features() arrives at the second.
extern "C" lathe::FeatureSet __real__ZN5lathe12cpu_featuresEv();
extern "C" lathe::FeatureSet __wrap__ZN5lathe12cpu_featuresEv() {
  return __real__ZN5lathe12cpu_featuresEv() | lathe::Feature::avx512bf16;
}

namespace lathe {
namespace {

std::atomic<int64_t> traps = 0;

float flushed(float x) { return std::fpclassify(x) == FP_SUBNORMAL ? std::copysign(0.0f, x) : x; }
float value(const Vector& v, int i) { return flushed(to_float(v.get<bf16>(i))); }

Vector second_operand(EvexInstruction& code, const greg_t* general, const VectorRegisters& vectors) {
  if (!code.in_memory()) return vectors.load(code.source());
  Vector v;
  const size_t bytes = code.broadcast ? 4 : sizeof v.bytes;
  const uint8_t* from = code.address(general, static_cast<int>(bytes)).sum();
  for (size_t at = 0; at < sizeof v.bytes; at += bytes) std::memcpy(v.bytes + at, from, bytes);
  return v;
}

// The high product is added first (Intel's reference, VDPBF16PS); what a lane did before does not matter to the next.
void on_illegal(int, siginfo_t*, void* context) {
  greg_t* general = general_registers(context);
  VectorRegisters vectors(context);
  const auto* start = reinterpret_cast<const uint8_t*>(general[REG_RIP]);
  EvexInstruction code = evex_instruction(start);
  if (!code.ours || code.map != 2 || code.w != 0 || code.prefix != 2 || code.opcode != 0x52 || code.length != 2 ||
      code.mask != 0)
    unknown_instruction(start);
  const Vector a = vectors.load(code.vvvv), b = second_operand(code, general, vectors);
  Vector sums = vectors.load(code.reg);
  for (int lane = 0; lane < 16; ++lane) {
    float sum = flushed(sums.get<float>(lane));
    for (const int half : {1, 0}) sum = flushed(std::fma(value(a, 2 * lane + half), value(b, 2 * lane + half), sum));
    sums.set(lane, sum);
  }
  vectors.store(code.reg, sums);
  general[REG_RIP] = reinterpret_cast<greg_t>(code.end);
  traps.fetch_add(1, std::memory_order_relaxed);
}

// A run whose kernels never used the instruction has not tested it.
class Avx512Bf16Environment : public ::testing::Environment {
 public:
  void SetUp() override {
    struct sigaction action = {};
    action.sa_sigaction = on_illegal;
    action.sa_flags = SA_SIGINFO;
    ASSERT_EQ(sigaction(SIGILL, &action, nullptr), 0);
  }
  void TearDown() override {
    const bool native = has_all(__real__ZN5lathe12cpu_featuresEv(), static_cast<FeatureSet>(Feature::avx512bf16));
    const bool possible = has_all(cpu_features(), isa_needs(Isa::avx512_bf16));
    EXPECT_TRUE(native || !possible || traps.load() > 0) << "no VDPBF16PS was executed";
  }
};
[[maybe_unused]] const auto* const environment = ::testing::AddGlobalTestEnvironment(new Avx512Bf16Environment);

}  // namespace
}  // namespace lathe
