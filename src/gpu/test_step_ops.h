// What tests of the step table share: each of its rows compiled and run, weights that shaders can read.
#pragma once

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "gpu/step_ops.h"
#include "gpu/test_device.h"
#include "gpu/test_memory.h"
#include "quant/blocks.h"

namespace lathe::gpu {

constexpr double kU = 0x1p-24;

class StepOps : public DeviceTest {
 protected:
  // Each row of `op`, once recorded with what `body` gives it.
  template <class Body>
  void for_each_row(StepOp op, const Body& body) {
    for (const StepVariant& v : step_variants()) {
      if (v.op != op || !step_refusal(v, device_->info()).empty()) continue;
      SCOPED_TRACE(v.name);
      auto program = StepProgram::create(*device_, v);
      ASSERT_TRUE(program.ok()) << program.status().message();
      TestMemory memory(device_);
      body(*program, memory);
    }
  }

  template <class Args>
  void run(const StepProgram& program, const Args& args) {
    auto recording = device_->record();
    ASSERT_TRUE(recording.ok());
    Status s = program.record(**recording, args);
    if (s.ok()) s = (*recording)->end();
    if (s.ok()) s = device_->submit(**recording);
    ASSERT_TRUE(s.ok()) << s.message();
  }

  std::mt19937_64 random_{3};
};

template <class Block>
void quantise(int64_t columns, int64_t k, std::vector<float>* values, std::byte* to) {
  const int64_t blocks = ceil_div(k, int64_t{32});
  for (int64_t i = 0; i < columns * blocks; ++i) {
    Block block;
    float decoded[32];
    float* from = values->data() + i / blocks * k + i % blocks * 32;
    const int count = static_cast<int>(std::min<int64_t>(32, k - i % blocks * 32));
    encode(from, count, &block);
    decode(block, decoded);
    std::copy_n(decoded, count, from);
    std::memcpy(to + static_cast<size_t>(i) * sizeof block, &block, sizeof block);
  }
}

// Columns of weights as `type` has them; `values` become what that type makes of them.
inline Place put_weights(TestMemory& memory, WeightType type, int64_t columns, int64_t k, std::vector<float>* values,
                         WeightLayout layout = WeightLayout::rows) {
  std::vector<std::byte> source(static_cast<size_t>(columns * source_column_bytes(type, k)));
  if (type == WeightType::q8_0) quantise<BlockQ8_0>(columns, k, values, source.data());
  if (type == WeightType::q4_0) quantise<BlockQ4_0>(columns, k, values, source.data());
  if (type == WeightType::f32) std::memcpy(source.data(), values->data(), source.size());
  for (size_t i = 0; i < values->size() && type == WeightType::f16; ++i) {
    const f16 half = to_f16((*values)[i]);
    (*values)[i] = to_float(half);
    std::memcpy(&source[i * 2], &half, 2);
  }
  const auto size = packed_size(type, layout, columns, k);
  EXPECT_TRUE(size.ok());
  std::vector<std::byte> packed(static_cast<size_t>(size->bytes));
  EXPECT_TRUE(pack_weights(type, layout, columns, k, source, packed).ok());
  return memory.put(packed);
}

}  // namespace lathe::gpu
