#include "tune/ceilings.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/memory.h"
#include "tune/ceiling_loops.h"

namespace lathe::tune {
namespace {

CeilingOptions quick() {
  CeilingOptions options;
  options.available_bytes = int64_t{256} << 20;
  options.trials = 4;
  return options;
}

TEST(Ceilings, AreMeasuredAndTheTeamReachesWhatOneThreadDoes) {
  auto team = Team::create({});
  ASSERT_TRUE(team.ok());
  const auto ceilings = measure_ceilings(**team, quick());
  ASSERT_TRUE(ceilings.ok()) << ceilings.status().message();
  EXPECT_EQ(ceilings->threads, (*team)->size());
  for (const Rate& rate : {ceilings->fma_one, ceilings->mac_one, ceilings->read_one}) {
    EXPECT_GT(rate.giga, 0.1);
    EXPECT_LT(rate.giga, 10'000);  // more means that a loop was folded away
    EXPECT_GE(rate.spread, 0);
    EXPECT_LT(rate.spread, 1);
  }
  EXPECT_GE(ceilings->fma.giga, ceilings->fma_one.giga);
  EXPECT_GE(ceilings->mac.giga, ceilings->mac_one.giga);
  EXPECT_GE(ceilings->read.giga, ceilings->read_one.giga);
  EXPECT_GT(ceilings->barrier_ns, 0);
  EXPECT_GT(ceilings->empty_program_ns, 0);
}

TEST(Ceilings, RaisingNeverLowers) {
  auto team = Team::create({});
  ASSERT_TRUE(team.ok());
  Ceilings ceilings;
  ceilings.read.giga = 1e9;
  ASSERT_TRUE(raise_ceilings(**team, quick(), &ceilings).ok());
  EXPECT_EQ(ceilings.read.giga, 1e9);
  EXPECT_GT(ceilings.read_one.giga, 0);
  EXPECT_GT(ceilings.fma.giga, 0);
}

TEST(Ceilings, NoTrialsIsAnError) {
  auto team = Team::create({});
  ASSERT_TRUE(team.ok());
  CeilingOptions options = quick();
  options.trials = 0;
  EXPECT_EQ(measure_ceilings(**team, options).status().code(), Code::invalid_argument);
}

TEST(CeilingLoops, EveryTableRunsAndReadsEveryByte) {
  auto buffer = Buffer::create(kReadGrain * 4);
  ASSERT_TRUE(buffer.ok());
  for (const CeilingLoops* loops : ceiling_loops()) {
    if (!has_all(cpu_features(), isa_needs(loops->isa))) continue;
    SCOPED_TRACE(isa_name(loops->isa));
    ASSERT_TRUE(loops->mac != nullptr || loops->bf16 != nullptr);
    for (const auto loop : {loops->fma, loops->mac, loops->byte_mac, loops->bf16})
      if (loop != nullptr) loop(1000);
    for (const auto read : loops->read) {
      if (read == nullptr) continue;
      std::memset(buffer->data(), 0, buffer->size());
      const uint64_t of_zeros = read(buffer->data(), static_cast<int64_t>(buffer->size()));
      for (size_t at = 0; at < buffer->size(); at += 64) {  // a bit set in any cache line changes the result
        buffer->data()[at] = std::byte{1};
        ASSERT_NE(read(buffer->data(), static_cast<int64_t>(buffer->size())), of_zeros) << at;
        buffer->data()[at] = std::byte{0};
      }
    }
  }
}

}  // namespace
}  // namespace lathe::tune
