// Linked into the program that the emulated machine runs: that machine must be what its other cases rely on.
#include <gtest/gtest.h>

#include "platform/cpu.h"

namespace lathe {
namespace {

TEST(EmulatedCpu, has_avx512_and_vnni) {
  EXPECT_EQ(missing_features(cpu_features(), isa_needs(Isa::avx512)), "");
  EXPECT_EQ(missing_features(cpu_features(), isa_needs(Isa::avx512_vnni)), "");
}

TEST(EmulatedCpu, lacks_what_bochs_lacks) {
  EXPECT_FALSE(has_all(cpu_features(), isa_needs(Isa::avx_vnni)));
  EXPECT_FALSE(has_all(cpu_features(), isa_needs(Isa::amx)));
}

}  // namespace
}  // namespace lathe
