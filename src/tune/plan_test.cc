#include "tune/plan.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/counting_new.h"
#include "base/sha256.h"
#include "tune/problem_text.h"

namespace lathe::tune {
namespace {

using matmul::Problem;
using matmul::Variant;

const char* takes_one(const Variant&, const Problem& p) noexcept { return p.batch == 1 ? nullptr : "takes no batch"; }

Variant row(const char* name, int mr) {
  Variant v{};
  v.name = name;
  v.numerics = "f32";
  v.isa = Isa::scalar;
  v.layout = matmul::Layout::panel_f32;
  v.mr = mr;
  v.what = "a row of this test";
  v.refuses = takes_one;
  return v;
}

const Variant kFirst = row("test.first", 4), kSecond = row("test.second", 6), kThird = row("test.third", 8);
constexpr std::array<const Variant*, 2> kTable = {&kFirst, &kSecond};
constexpr std::array<const Variant*, 3> kLargerTable = {&kFirst, &kSecond, &kThird};

PlanScope scope() { return {"test-cpu-1", 0, kTable}; }

Problem problem(int64_t m) {
  Problem p;
  p.m = m;
  p.n = 64;
  p.k = 32;
  return p;
}

Plan filled() {
  Plan plan(scope());
  for (int64_t m = 1; m <= 40; ++m) {
    PlanEntry e{problem(m), 2, m % 2 ? &kFirst : &kSecond, 0.1 * static_cast<double>(m), 0.37, {}};
    e.measured = {{"test.first", row_fingerprint(kFirst), 0.25, 0.4},
                  {"test.second", row_fingerprint(kSecond), 1.0 / 3, 0.3}};
    EXPECT_TRUE(plan.add(std::move(e)).ok());
  }
  return plan;
}

TEST(Plan, FindsWhatItHolds) {
  const Plan plan = filled();
  EXPECT_EQ(plan.lookup(problem(7), 2), &kFirst);
  EXPECT_EQ(plan.lookup(problem(8), 2), &kSecond);
  EXPECT_EQ(plan.lookup(problem(8), 1), nullptr);
  EXPECT_EQ(plan.lookup(problem(41), 2), nullptr);
}

// A key is every field: a problem that differs in one is another problem.
TEST(Plan, EveryFieldIsPartOfTheKey) {
  const Plan plan = filled();
  using Change = void (*)(Problem&);
  const std::array<Change, 14> changes = {[](Problem& p) { p.m = 99; },
                                          [](Problem& p) { p.n = 65; },
                                          [](Problem& p) { p.k = 33; },
                                          [](Problem& p) { p.a = matmul::Type::u8; },
                                          [](Problem& p) { p.w = matmul::Type::bf16; },
                                          [](Problem& p) { p.c = matmul::Type::s32; },
                                          [](Problem& p) { p.order = matmul::Order::kn; },
                                          [](Problem& p) { p.a_transposed = true; },
                                          [](Problem& p) { p.prepared = false; },
                                          [](Problem& p) { p.batch = 2; },
                                          [](Problem& p) { p.gated = true; },
                                          [](Problem& p) { p.act = matmul::Activation::silu; },
                                          [](Problem& p) { p.bias = true; },
                                          [](Problem& p) { p.residual = true; }};
  for (size_t i = 0; i < changes.size(); ++i) {
    Problem p = problem(7);
    changes[i](p);
    EXPECT_EQ(plan.lookup(p, 2), nullptr) << i;
  }
}

TEST(Plan, LookupAllocatesNothing) {
  const Plan plan = filled();
  const int64_t before = allocations;
  const Variant* hit = plan.lookup(problem(7), 2);
  const Variant* miss = plan.lookup(problem(700), 2);
  EXPECT_EQ(allocations - before, 0);
  EXPECT_EQ(hit, &kFirst);
  EXPECT_EQ(miss, nullptr);
}

TEST(Plan, AddingAgainReplaces) {
  Plan plan = filled();
  ASSERT_TRUE(plan.add({problem(7), 2, &kSecond, 9, 0.9, {}}).ok());
  EXPECT_EQ(plan.entries().size(), 40u);
  EXPECT_EQ(plan.lookup(problem(7), 2), &kSecond);
}

TEST(Plan, RefusesWhatCannotRun) {
  Plan plan(scope());
  EXPECT_FALSE(plan.add({problem(1), 1, nullptr, 1, 1, {}}).ok());
  EXPECT_FALSE(plan.add({problem(1), 1, &kThird, 1, 1, {}}).ok());
  EXPECT_FALSE(plan.add({problem(1), 1, &kFirst, 0, 1, {}}).ok());
  Problem many = problem(1);
  many.batch = 2;
  const Status s = plan.add({many, 1, &kFirst, 1, 1, {}});
  EXPECT_NE(s.message().find("takes no batch"), std::string::npos) << s.message();
  EXPECT_TRUE(plan.entries().empty());
}

TEST(Plan, ComesBackFromItsFile) {
  const std::string path = testing::TempDir() + "/plan_test_" + std::to_string(::getpid()) + ".json";
  const Plan plan = filled();
  ASSERT_TRUE(plan.save(path).ok());
  const auto back = Plan::load(path, scope());
  std::filesystem::remove(path);
  ASSERT_TRUE(back) << back.status().message();
  ASSERT_EQ(back->entries().size(), plan.entries().size());
  for (size_t i = 0; i < plan.entries().size(); ++i) {
    const PlanEntry &x = plan.entries()[i], &y = back->entries()[i];
    EXPECT_TRUE(same_problem(x.problem, y.problem));
    EXPECT_EQ(x.variant, y.variant);
    EXPECT_EQ(x.ms, y.ms);
    ASSERT_EQ(y.measured.size(), 2u);
    EXPECT_EQ(y.measured[1].variant, "test.second");
    EXPECT_EQ(y.measured[1].ms, 1.0 / 3);
  }
  EXPECT_EQ(back->text(), plan.text());
}

TEST(Plan, NoFileIsNotFound) {
  EXPECT_EQ(Plan::load(testing::TempDir() + "/no_such_plan.json", scope()).status().code(), Code::not_found);
}

TEST(Plan, ForeignFilesAreIgnoredWithASentence) {
  const std::string text = filled().text();
  const auto other_cpu = Plan::parse(text, "plan.json", {"test-cpu-2", 0, kTable});
  ASSERT_FALSE(other_cpu);
  EXPECT_NE(other_cpu.status().message().find("another CPU (test-cpu-1), needed: test-cpu-2"), std::string::npos);
  const auto other_build = Plan::parse(text, "plan.json", {"test-cpu-1", 0, kLargerTable});
  ASSERT_FALSE(other_build);
  EXPECT_NE(other_build.status().message().find("another build"), std::string::npos);
}

TEST(Plan, EveryCutIsNoticed) {
  const std::string text = filled().text();
  ASSERT_TRUE(Plan::parse(text, "plan.json", scope()));
  for (size_t length = 0; length + 2 < text.size(); length += length < 200 ? 1 : 97)
    EXPECT_FALSE(Plan::parse(text.substr(0, length), "plan.json", scope())) << length;
}

// A changed byte is noticed, or it is blank space and the plan is the same.
TEST(Plan, EveryChangedByteIsNoticed) {
  Plan plan(scope());
  ASSERT_TRUE(
      plan.add({problem(3), 2, &kFirst, 0.125, 0.5, {{"test.first", row_fingerprint(kFirst), 0.125, 0.5}}}).ok());
  const std::string text = plan.text();
  int noticed = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    for (const int bit : {0, 1, 4, 7}) {
      std::string damaged = text;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const auto parsed = Plan::parse(damaged, "plan.json", scope());
      if (parsed) {
        EXPECT_EQ(parsed->text(), text) << "byte " << i << " bit " << bit;
      } else {
        ++noticed;
        EXPECT_EQ(parsed.status().message().rfind("plan.json: ", 0), 0u);
        EXPECT_EQ(parsed.status().message().find('\n'), std::string::npos);
      }
    }
  }
  EXPECT_GT(noticed, static_cast<int>(text.size()));
}

// Content that carries a right checksum and is wrong all the same: a newer writer's, or somebody's script.
std::string rewritten(void (*change)(nlohmann::json& document)) {
  Plan plan(scope());
  EXPECT_TRUE(plan.add({problem(3), 2, &kFirst, 0.125, 0.5, {}}).ok());
  nlohmann::json document = nlohmann::json::parse(plan.text());
  change(document);
  if (document.is_object()) document["sha256"] = sha256_hex(document["content"].dump());
  return document.dump();
}

TEST(Plan, WrongContentUnderARightChecksumIsRefused) {
  using Change = void (*)(nlohmann::json&);
  struct Case {
    const char* says;
    Change change;
  };
  const std::array<Case, 15> cases = {
      Case{"version is 2", [](nlohmann::json& d) { d["version"] = 2; }},
      Case{"no plan file", [](nlohmann::json& d) { d["format"] = "other"; }},
      Case{"no plan file", [](nlohmann::json& d) { d = nlohmann::json::array({d}); }},
      Case{"missing", [](nlohmann::json& d) { d["content"].erase("entries"); }},
      Case{"missing", [](nlohmann::json& d) { d["content"]["entries"][0].erase("threads"); }},
      Case{"another type", [](nlohmann::json& d) { d["content"]["entries"][0]["ms"] = "fast"; }},
      Case{"another type", [](nlohmann::json& d) { d["content"]["entries"][0]["prepared"] = 1; }},
      Case{"\"m\" is no whole number", [](nlohmann::json& d) { d["content"]["entries"][0]["m"] = 0; }},
      Case{"\"k\" is no whole number", [](nlohmann::json& d) { d["content"]["entries"][0]["k"] = 1e30; }},
      Case{"\"share\" is no amount", [](nlohmann::json& d) { d["content"]["entries"][0]["share"] = -1; }},
      Case{"type is \"f31\"", [](nlohmann::json& d) { d["content"]["entries"][0]["w"] = "f31"; }},
      Case{"layout is \"xy\"", [](nlohmann::json& d) { d["content"]["entries"][0]["layout"] = "xy"; }},
      Case{"unknown variant", [](nlohmann::json& d) { d["content"]["entries"][0]["variant"] = "gone"; }},
      Case{"twice", [](nlohmann::json& d) { d["content"]["entries"].push_back(d["content"]["entries"][0]); }},
      Case{"takes no batch", [](nlohmann::json& d) { d["content"]["entries"][0]["batch"] = 2; }},
  };
  ASSERT_TRUE(Plan::parse(rewritten([](nlohmann::json&) {}), "plan.json", scope()));
  for (const Case& c : cases) {
    const auto parsed = Plan::parse(rewritten(c.change), "plan.json", scope());
    ASSERT_FALSE(parsed) << c.says;
    EXPECT_NE(parsed.status().message().find(c.says), std::string::npos) << parsed.status().message();
  }
}

// A build with one row more keeps what was measured, and has only that row to measure.
TEST(Plan, AnotherBuildsPlanCanBeCompleted) {
  const auto plan = Plan::parse(filled().text(), "plan.json", {"test-cpu-1", 0, kLargerTable}, Builds::any);
  ASSERT_TRUE(plan) << plan.status().message();
  EXPECT_EQ(plan->entries().size(), 40u);
  EXPECT_EQ(plan->unmeasured(problem(7), 2), std::vector<const Variant*>{&kThird});
  EXPECT_EQ(plan->unmeasured(problem(7), 1).size(), 3u);
  EXPECT_FALSE(Plan::parse(filled().text(), "plan.json", {"test-cpu-2", 0, kLargerTable}, Builds::any));
}

TEST(Plan, ChoicesThatChangedSinceAreDropped) {
  const Variant changed = row("test.first", 5);
  const std::array<const Variant*, 2> table = {&changed, &kSecond};
  const auto plan = Plan::parse(filled().text(), "plan.json", {"test-cpu-1", 0, table}, Builds::any);
  ASSERT_TRUE(plan) << plan.status().message();
  EXPECT_EQ(plan->entries().size(), 20u);  // those of test.second
  EXPECT_EQ(plan->lookup(problem(7), 2), nullptr);
  EXPECT_EQ(plan->lookup(problem(8), 2), &kSecond);
  EXPECT_EQ(plan->unmeasured(problem(8), 2), std::vector<const Variant*>{&changed});
}

TEST(Plan, FingerprintsFollowTheRows) {
  EXPECT_NE(table_fingerprint(kTable), table_fingerprint(kLargerTable));
  EXPECT_NE(row_fingerprint(kFirst), row_fingerprint(kSecond));
  EXPECT_NE(row_fingerprint(kFirst), row_fingerprint(row("test.first", 5)));
  EXPECT_EQ(row_fingerprint(kFirst), row_fingerprint(row("test.first", 4)));
}

}  // namespace
}  // namespace lathe::tune
