// Attention of one query of each of several texts, over caches that lie apart: the bits that each has alone.
#include <algorithm>
#include <cmath>

#include "gpu/test_step_ops.h"

namespace lathe::gpu {
namespace {

using Words = std::vector<uint32_t>;

constexpr int64_t kHeads = 4, kKvHeads = 2, kDim = 24, kRow = kHeads * kDim + 3;

struct Text {
  int64_t room, length;  // room 0: there is none
  Place keys, values;
};

class AttentionTexts : public StepOps {
 protected:
  void SetUp() override {
    StepOps::SetUp();
    if (!IsSkipped()) q_ = uniform(random_, 4 * kRow, 2.0f);
  }
  // Text i has row `first` + i of q. What parts hold at first is nothing that a sum may see.
  std::vector<float> attend(const StepProgram& program, TestMemory& memory, int64_t first,
                            const std::vector<Text>& texts, int64_t context) {
    std::vector<uint64_t> keys, values;
    Words positions, rooms;
    for (const Text& text : texts) {
      keys.push_back(address_of(text.keys)), values.push_back(address_of(text.values));
      positions.push_back(static_cast<uint32_t>(std::max<int64_t>(1, text.length) - 1));
      rooms.push_back(static_cast<uint32_t>(text.room));
    }
    const int64_t count = std::ssize(texts), split = program.variant().threads;
    const int64_t parts = attention_parts_bytes(count, kHeads, kDim, context, split) / 4;
    AttentionArgs args;
    args.q = memory.put(std::vector<float>(q_.begin() + first * kRow, q_.end())), args.q_row = kRow;
    args.keys = memory.put(keys), args.values = memory.put(values), args.context = context, args.texts = count;
    args.positions = memory.put(positions), args.rooms = memory.put(rooms);
    args.heads = kHeads, args.kv_heads = kKvHeads, args.dim = kDim, args.scale = 0.4f;
    args.parts = memory.put(std::vector<float>(static_cast<size_t>(parts), NAN));
    AttentionJoinArgs join;
    join.parts = args.parts, join.positions = args.positions, join.rooms = args.rooms;
    join.y = memory.floats(count * kRow), join.y_row = kRow, join.texts = count;
    join.heads = kHeads, join.dim = kDim, join.context = context, join.keys_of_split = split;
    run(program, args);
    auto joined = StepProgram::create(*device_, *find_step_variant("attention_join.64"));
    if (joined) run(*joined, join);
    EXPECT_TRUE(joined.ok());
    return memory.get<float>(join.y, count * kRow);
  }

  std::vector<float> q_;
};

// Rooms of more than the longest text, of less than a split, and a row without a text, which becomes 0.
TEST_F(AttentionTexts, HaveTheSameBitsAloneAndAmongOthers) {
  for_each_row(StepOp::attention, [&](const StepProgram& program, TestMemory& memory) {
    std::vector<Text> texts = {{300, 300, {}, {}}, {0, 0, {}, {}}, {40, 7, {}, {}}, {600, 190, {}, {}}};
    for (Text& text : texts) {
      const int64_t floats = std::max<int64_t>(1, text.room * kKvHeads * kDim);
      text.keys = memory.put(uniform(random_, floats)), text.values = memory.put(uniform(random_, floats));
    }
    const auto all = attend(program, memory, 0, texts, 600);
    for (int64_t i = 0; i < std::ssize(texts); ++i) {
      const std::vector<float> among(all.begin() + i * kRow, all.begin() + i * kRow + kHeads * kDim);
      const Text& text = texts[static_cast<size_t>(i)];
      auto alone = attend(program, memory, i, {text}, std::max<int64_t>(1, text.room));
      alone.resize(kHeads * kDim);
      EXPECT_EQ(among, alone) << "text " << i;
      const bool is_zero = std::ranges::all_of(among, [](float v) { return v == 0; });
      EXPECT_EQ(is_zero, text.room == 0) << "text " << i;
    }
  });
}

}  // namespace
}  // namespace lathe::gpu
