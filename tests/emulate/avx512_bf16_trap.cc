// A SIGILL handler that carries out VDPBF16PS of 512 bits without a mask, for a machine that has AVX-512 and not this
// (Bochs): register, memory and broadcast operand. What is linked with it has the instruction, as detection is told.
#include <cmath>

#include "base/types.h"
#include "trapped.h"

// The linker's --wrap: every call of lathe::cpu_features() arrives at the second.
extern "C" lathe::FeatureSet __real__ZN5lathe12cpu_featuresEv();
extern "C" lathe::FeatureSet __wrap__ZN5lathe12cpu_featuresEv() {
  return __real__ZN5lathe12cpu_featuresEv() | lathe::Feature::avx512bf16;
}

namespace lathe {
namespace {

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
const uint8_t* carry_out(const uint8_t* start, void* context) {
  VectorRegisters vectors(context);
  EvexInstruction code = evex_instruction(start);
  if (!code.ours || code.map != 2 || code.w != 0 || code.prefix != 2 || code.opcode != 0x52 || code.length != 2 ||
      code.mask != 0)
    return nullptr;
  const Vector a = vectors.load(code.vvvv), b = second_operand(code, general_registers(context), vectors);
  Vector sums = vectors.load(code.reg);
  for (int lane = 0; lane < 16; ++lane) {
    float sum = flushed(sums.get<float>(lane));
    for (const int half : {1, 0}) sum = flushed(std::fma(value(a, 2 * lane + half), value(b, 2 * lane + half), sum));
    sums.set(lane, sum);
  }
  vectors.store(code.reg, sums);
  return code.end;
}

// Where the CPU has the instruction, or no AVX-512 for the rows of it, nothing is trapped.
bool needed() {
  const bool native = has_all(__real__ZN5lathe12cpu_featuresEv(), static_cast<FeatureSet>(Feature::avx512bf16));
  return !native && has_all(cpu_features(), isa_needs(Isa::avx512_bf16));
}
[[maybe_unused]] const auto* const environment =
    ::testing::AddGlobalTestEnvironment(new TrapEnvironment<carry_out>("VDPBF16PS", needed));

}  // namespace
}  // namespace lathe
