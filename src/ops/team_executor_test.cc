#include "ops/team_executor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>

namespace lathe::ops {
namespace {

std::unique_ptr<Team> team_of(int threads) { return std::move(*Team::create({.threads = threads})); }

// Three attentions in a row, one sync between each: every counter is set back in time.
TEST(TeamExecutor, OpsThatClaimWorkMayFollowEachOther) {
  constexpr int64_t tokens = 300, width = 8, rounds = 200;
  const std::vector<int32_t> ids(tokens);
  const std::vector<int64_t> offsets = {0, 130, tokens};
  const TextBatch batch = {ids, offsets};
  std::vector<float> a(3 * width * tokens, 0.25f), y(width * tokens);
  for (size_t i = 0; i < a.size(); ++i) a[i] = static_cast<float>(i % 7) * 0.5f;
  for (const Dispatch dispatch : {Dispatch::model, Dispatch::layer, Dispatch::op}) {
    const auto team = team_of(3);
    std::vector<std::byte> scratch(3 * static_cast<size_t>(attention_scratch_bytes(width)) + 64);
    AttentionOperands x;
    x.head_dim = width;
    x.q = a.data();
    x.k = a.data() + width;
    x.v = a.data() + 2 * width;
    x.qkv_row = 3 * width;
    x.y_row = width;
    x.y = y.data();
    x.scratch = scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64);
    const CpuKernels kernels = CpuKernels::best();
    std::vector<float> expected;
    for (int round = 0; round < 20; ++round) {
      std::ranges::fill(y, -1.0f);
      run_steps(*team, dispatch, kernels, nullptr, rounds / 20, [&](Executor& e, int64_t) {
        e.attention(batch, x);
        e.sync();
      });
      if (expected.empty()) expected = y;
      ASSERT_EQ(y, expected);
      ASSERT_EQ(std::ranges::count(y, -1.0f), 0);
    }
  }
}

// Which op ran in which entry of the team: seen from the profile's entries.
TEST(TeamExecutor, DispatchSaysHowOftenTheTeamEnters) {
  const auto team = team_of(2);
  const CpuKernels kernels = CpuKernels::best();
  std::vector<float> x(64, 1.0f);
  norm::Args args{};
  args.rows = 4;
  args.n = args.x_row = args.y_row = 16;
  args.x = args.y = x.data();
  const auto entries = [&](Dispatch dispatch) {
    Profile profile;
    run_steps(*team, dispatch, kernels, &profile, 5, [&](Executor& e, int64_t) {
      for (int op = 0; op < 3; ++op) {
        e.layer_norm(args);
        e.sync();
      }
    });
    int64_t entered = 0, norms = 0;
    for (const Profile::Entry& entry : profile.entries())
      (std::string_view(entry.name) == "entry" ? entered : norms) += entry.calls;
    EXPECT_EQ(norms, 15);
    EXPECT_EQ(profile.passes(), 1);
    return entered;
  };
  EXPECT_EQ(entries(Dispatch::model), 1);
  EXPECT_EQ(entries(Dispatch::layer), 5);
  EXPECT_EQ(entries(Dispatch::op), 0);  // an op's entry is part of the op
}

TEST(Profile, AddsUpToTheWhole) {
  Profile profile;
  for (int pass = 0; pass < 3; ++pass) {
    profile.begin();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    profile.mark("first");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    profile.mark("second");
    profile.wait();
    profile.end();
  }
  ASSERT_EQ(profile.entries().size(), 2);
  EXPECT_EQ(profile.entries()[0].calls, 3);
  EXPECT_GE(profile.entries()[0].ns, 3'000'000);
  EXPECT_GE(profile.entries()[1].ns, 6'000'000);
  EXPECT_GE(profile.unaccounted_ns(), 0);
  EXPECT_LT(profile.unaccounted_ns(), profile.total_ns() / 50);
}

TEST(Profile, MoreNamesThanFitAreOther) {
  Profile profile;
  std::vector<std::string> names;
  for (int i = 0; i < 60; ++i) names.push_back("op" + std::to_string(i));
  profile.begin();
  for (const std::string& name : names) profile.mark(name.c_str());
  profile.end();
  EXPECT_STREQ(profile.entries().back().name, "other");
  int64_t calls = 0;
  for (const Profile::Entry& entry : profile.entries()) calls += entry.calls;
  EXPECT_EQ(calls, 60);
}

}  // namespace
}  // namespace lathe::ops
