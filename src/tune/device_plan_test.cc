#include "tune/device_plan.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "base/test_files.h"
#include "tune/device_problem.h"
#include "tune/plan_file.h"

namespace lathe::tune {
namespace {

using gpu::MatmulProblem;
using gpu::WeightLayout;
using gpu::WeightType;

gpu::DeviceInfo device(const char* name, const char* version = "Mesa 22") {
  gpu::DeviceInfo info;
  info.vendor_id = 0x1002, info.device_id = 7, info.subgroup_size = 32;
  info.name = name, info.driver = "radv", info.driver_version = version;
  return info;
}

MatmulProblem problem(int64_t n) {
  MatmulProblem p;
  p.n = n, p.k = 256, p.w = WeightType::q8_0;
  p.bias = true, p.act = gpu::Activation::silu;
  return p;
}

PlanMeasurement measured(const char* name, double ms) {
  return {name, row_fingerprint(*gpu::find_matmul_variant(name)), ms, 0.5};
}

DevicePlan plan_of(const gpu::DeviceInfo& info) {
  DevicePlan plan(device_key(info));
  plan.add({problem(64), {measured("columns.q8_0.64x64", 2), measured("subgroups.q8_0.1x64", 1)}});
  return plan;
}

PlanScope scope() { return {"test-cpu", 0, {}}; }

TEST(DevicePlan, NamesTheFastestOfTheLayoutThatIsAskedFor) {
  const DevicePlan plan = plan_of(device("card"));
  EXPECT_EQ(plan.lookup(problem(64))->name, "subgroups.q8_0.1x64");
  EXPECT_EQ(plan.lookup(problem(64), WeightLayout::panels)->name, "columns.q8_0.64x64");
  EXPECT_EQ(plan.lookup(problem(65)), nullptr);
  MatmulProblem other = problem(64);
  other.bias = false;
  EXPECT_EQ(plan.lookup(other), nullptr);
}

TEST(DevicePlan, TheFastestAreThoseOfTheProductElseOfAnotherWithTheSameWeights) {
  DevicePlan plan = plan_of(device("card"));
  const auto names = [&plan](const MatmulProblem& p) {
    std::vector<std::string> found;
    for (const gpu::MatmulVariant* row : plan.fastest(p)) found.push_back(row->name);
    return found;
  };
  const std::vector<std::string> both = {"subgroups.q8_0.1x64", "columns.q8_0.64x64"};
  EXPECT_EQ(names(problem(64)), both);
  MatmulProblem other = problem(64);
  other.bias = false, other.residual = true;
  EXPECT_EQ(names(other), both);
  MatmulProblem gated = other;
  gated.gated = true, gated.n = 32;
  EXPECT_EQ(names(gated), both);
  gated.n = 64;
  EXPECT_TRUE(names(gated).empty());
  for (auto change : {+[](MatmulProblem& p) { p.m = 2; }, +[](MatmulProblem& p) { p.k = 255; },
                      +[](MatmulProblem& p) { p.w = WeightType::f16; }}) {
    MatmulProblem unlike = problem(64);
    change(unlike);
    EXPECT_TRUE(names(unlike).empty());
  }
  plan.add({other, {measured("small.q8_0.64", 3)}});
  EXPECT_EQ(names(other), std::vector<std::string>{"small.q8_0.64"});
}

TEST(DevicePlan, FiguresOfRowsThatChangedArePassedOver) {
  DevicePlan plan(device_key(device("card")));
  PlanMeasurement old = measured("subgroups.q8_0.1x64", 1);
  old.row = "0123456789abcdef";
  plan.add({problem(64), {old, measured("columns.q8_0.64x64", 2), {"gone.q8_0", "0", 0.1, 0.5}}});
  EXPECT_EQ(plan.lookup(problem(64))->name, "columns.q8_0.64x64");
}

TEST(DevicePlan, WhatWasMeasuredBeforeStaysBesideWhatIsNew) {
  DevicePlan plan = plan_of(device("card"));
  plan.add({problem(64), {measured("columns.q8_0.64x64", 0.5)}});
  ASSERT_EQ(plan.entries().size(), 1u);
  EXPECT_EQ(plan.entries()[0].measured.size(), 2u);
  EXPECT_EQ(plan.lookup(problem(64))->name, "columns.q8_0.64x64");
}

TEST(DevicePlan, ProblemsComeBackFromTheWordsOfTheFile) {
  for (int w = 0; w < gpu::kWeightTypes; ++w)
    for (const bool gated : {false, true}) {
      MatmulProblem p = problem(96);
      p.w = static_cast<WeightType>(w), p.gated = gated, p.residual = !gated, p.accumulate = !gated;
      const auto back = device_problem(kernel_problem(p));
      ASSERT_TRUE(back.ok()) << back.status().message();
      EXPECT_EQ(*back, p);
    }
}

TEST(DevicePlan, AFileKeepsEveryDeviceAndTheCpu) {
  const FakeFolder folder("device_plan");
  const std::string path = folder.path("plan.json");
  EXPECT_TRUE(load_device_plan(path, device("card"))->entries().empty());
  ASSERT_TRUE(save_device_plan(path, plan_of(device("card")), scope()).ok());
  ASSERT_TRUE(save_device_plan(path, plan_of(device("other card")), scope()).ok());
  for (const char* name : {"card", "other card"}) {
    const auto plan = load_device_plan(path, device(name));
    ASSERT_TRUE(plan.ok()) << plan.status().message();
    EXPECT_EQ(plan->lookup(problem(64))->name, "subgroups.q8_0.1x64") << name;
    EXPECT_EQ(plan->find(problem(64))->measured.size(), 2u);
  }
  EXPECT_TRUE(load_device_plan(path, device("third"))->entries().empty());
  EXPECT_TRUE(load_device_plan(path, device("card", "Mesa 23"))->entries().empty());
  // The CPU's plan is read as ever, and saving it, also over another CPU's, leaves the devices.
  ASSERT_TRUE(Plan::load(path, scope()).ok());
  ASSERT_TRUE(Plan({"another-cpu", 0, {}}).save(path).ok());
  EXPECT_EQ(load_plan_file(path)->cpu, "another-cpu");
  EXPECT_EQ(load_device_plan(path, device("card"))->entries().size(), 1u);
  // And a device's, over that other CPU's, leaves the CPU.
  ASSERT_TRUE(save_device_plan(path, plan_of(device("card")), scope()).ok());
  EXPECT_EQ(load_plan_file(path)->cpu, "another-cpu");
}

TEST(DevicePlan, ANewDriverTakesThePlaceOfTheOldOne) {
  const FakeFolder folder("device_plan_driver");
  const std::string path = folder.path("plan.json");
  ASSERT_TRUE(save_device_plan(path, plan_of(device("card", "Mesa 22")), scope()).ok());
  ASSERT_TRUE(save_device_plan(path, plan_of(device("card", "Mesa 23")), scope()).ok());
  EXPECT_EQ(load_plan_file(path)->devices.size(), 1u);
  EXPECT_EQ(load_device_plan(path, device("card", "Mesa 23"))->entries().size(), 1u);
}

TEST(DevicePlan, ANameThatIsNoUtf8IsKeptAsFarAsItCanBe) {
  const FakeFolder folder("device_plan_name");
  const std::string path = folder.path("plan.json");
  ASSERT_TRUE(save_device_plan(path, plan_of(device("card \xff")), scope()).ok());
  EXPECT_TRUE(load_plan_file(path).ok());
}

TEST(DevicePlan, FilesOfBeforeAreReadAndDamageIsASentence) {
  const FakeFolder folder("device_plan_damage");
  const std::string old = format_plan({"test-cpu", "build", {}, {}});
  EXPECT_EQ(old.find("devices"), std::string::npos);
  EXPECT_TRUE(load_device_plan(folder.write("old.json", old), device("card"))->entries().empty());

  const std::string path = folder.path("plan.json");
  ASSERT_TRUE(save_device_plan(path, plan_of(device("card")), scope()).ok());
  const auto good = nlohmann::json::parse(*read_file(path, 1 << 20));
  const auto expect_refused = [&](auto change, const char* words) {
    auto json = good;
    change(json["content"]["devices"][0]);
    json["sha256"] = sha256_hex(json["content"].dump());
    folder.write("plan.json", json.dump());
    const auto plan = load_device_plan(path, device("card"));
    ASSERT_FALSE(plan.ok());
    EXPECT_EQ(plan.status().code(), Code::corrupt);
    EXPECT_NE(plan.status().message().find(words), std::string::npos) << plan.status().message();
  };
  expect_refused([](auto& d) { d["entries"][0]["n"] = 0; }, "field \"n\"");
  expect_refused([](auto& d) { d["entries"][0]["w"] = "q4_k"; }, "weights are f32, f16, q8_0 or q4_0");
  expect_refused([](auto& d) { d["entries"][0]["measured"][0]["ms"] = -1; }, "field \"ms\"");
  expect_refused([](auto& d) { d["vendor"] = -3; }, "field \"vendor\"");
  expect_refused([](auto& d) { d["subgroup"] = 1e99; }, "field \"subgroup\"");
  expect_refused([](auto& d) { d.erase("name"); }, "a field is missing");
  expect_refused([](auto& d) { d = 7; }, "a field is missing");
}

}  // namespace
}  // namespace lathe::tune
