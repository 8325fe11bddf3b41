// lathe inspect kernels as a shell sees it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "platform/cpu.h"
#include "shell.h"

namespace lathe {
namespace {

using cli::run_lathe;

TEST(InspectKernels, ListsEveryTableAndTellsWhatRunsHere) {
  const auto o = run_lathe("inspect kernels --isa all --json");
  ASSERT_EQ(o.exit, 0) << o.out;
  const auto rows = nlohmann::json::parse(o.out);
  std::set<std::string> tables;
  for (const auto& row : rows) {
    tables.insert(row.at("table").get<std::string>());
    const auto isa = parse_isa(row.at("isa").get<std::string>());
    ASSERT_TRUE(isa.ok());
    EXPECT_EQ(row.at("runs_here").get<bool>(), has_all(cpu_features(), isa_needs(*isa))) << row;
  }
  EXPECT_EQ(tables.size(), 13u);
  EXPECT_TRUE(tables.contains("matmul") && tables.contains("optimizer"));
}

TEST(InspectKernels, ShowsOneInstructionSetOrWhatRunsHere) {
  const auto scalar = run_lathe("inspect kernels --isa scalar");
  EXPECT_EQ(scalar.exit, 0);
  EXPECT_NE(scalar.out.find("scalar.f32.f32.blocked"), std::string::npos) << scalar.out;
  EXPECT_EQ(scalar.out.find("avx2."), std::string::npos);
  EXPECT_EQ(run_lathe("inspect kernels").out.find("no: lacks"), std::string::npos);
#if defined(__x86_64__)
  const std::string foreign = "neon";
#else
  const std::string foreign = "avx2";
#endif
  EXPECT_EQ(run_lathe("inspect kernels --isa " + foreign).out, "This build has no kernel for " + foreign + ".\n");
}

TEST(InspectKernels, RefusesAnUnknownInstructionSet) {
  const auto o = run_lathe("inspect kernels --isa mmx 2>&1");
  EXPECT_EQ(o.exit, 2);
  EXPECT_NE(o.out.find("unknown instruction set 'mmx'"), std::string::npos) << o.out;
}

}  // namespace
}  // namespace lathe
