// The probe of a GPU, on whatever device is there: verified, timed both ways, refused in sentences.
#include "probe/device_probe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "probe/device_report.h"
#include "tune/device_problem.h"

namespace lathe::probe {
namespace {

Shape shape_of(int64_t m, int64_t n, int64_t k, matmul::Type w) {
  Shape shape;
  shape.name = "test";
  shape.problem.m = m, shape.problem.n = n, shape.problem.k = k, shape.problem.w = w;
  return shape;
}

DeviceOptions brief() {
  DeviceOptions options;
  options.seconds = 0.0005, options.samples = 2;
  return options;
}

bool no_device(const Result<DeviceReport>& report) {
  return !report && (report.status().code() == Code::not_found || report.status().code() == Code::unsupported);
}

TEST(DeviceProblem, WhatNoRowIsForIsASentence) {
  matmul::Problem p;
  EXPECT_TRUE(tune::device_problem(p).ok());
  const auto message = [&](auto change) {
    matmul::Problem changed = p;
    change(changed);
    const auto problem = tune::device_problem(changed);
    EXPECT_FALSE(problem.ok());
    return problem ? "" : problem.status().message();
  };
  EXPECT_EQ(message([](auto& q) { q.w = matmul::Type::q4_k; }), "on a GPU: weights are f32, f16, q8_0 or q4_0");
  EXPECT_NE(message([](auto& q) { q.order = matmul::Order::kn; }).find("[N,K]"), std::string::npos);
  EXPECT_NE(message([](auto& q) { q.batch = 2; }).find("batch"), std::string::npos);
  EXPECT_NE(message([](auto& q) { q.c = matmul::Type::bf16; }).find("f32"), std::string::npos);
  EXPECT_NE(message([](auto& q) { q.prepared = false; }).find("prepared"), std::string::npos);
  EXPECT_NE(message([](auto& q) { q.col_scale = true; }).find("scale"), std::string::npos);
}

TEST(DeviceProbe, VerifiesThenTimesEveryRowThatTakesTheShape) {
  DeviceOptions options = brief();
  options.bitwise = true;
  Shape gated = shape_of(1, 96, 160, matmul::Type::q8_0);
  gated.problem.gated = true, gated.problem.act = matmul::Activation::silu, gated.problem.bias = true;
  Shape added = shape_of(3, 70, 64, matmul::Type::q8_0);
  added.problem.accumulate = added.problem.residual = true;
  options.variants = {"subgroups.q8_0.*x64", "columns.q8_0.64x*", "tiled.q8_0.*", "head.*"};
  const auto report = run_device_probe({gated, added}, options, {});
  if (no_device(report)) GTEST_SKIP() << report.status().message();
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_GT(report->copy_gbps, 0);
  int passed = 0, refused = 0, best = 0;
  for (const DeviceRow& row : report->rows) {
    SCOPED_TRACE(row.variant);
    if (row.disposition == Disposition::not_supported) {
      EXPECT_FALSE(row.reason.empty());
      ++refused;
      continue;
    }
    EXPECT_EQ(disposition_name(row.disposition), "passed") << row.reason;
    ++passed;
    best += row.best;
    EXPECT_GT(row.timing.gpu.median_ms, 0);
    EXPECT_GT(row.timing.alone_ms, 0);
    EXPECT_GT(row.timing.together_ms, 0);
    EXPECT_GT(row.gbps, 0);
  }
  EXPECT_GE(passed, 4);
  EXPECT_GE(refused, 4);
  EXPECT_EQ(best, 2);
}

TEST(DeviceProbe, ReportsSayTheSameToPeopleAndPrograms) {
  DeviceOptions options = brief();
  options.variants = {"small.f32.64", "head.f32.*"};
  const auto report = run_device_probe({shape_of(1, 40, 50, matmul::Type::f32)}, options, {});
  if (no_device(report)) GTEST_SKIP() << report.status().message();
  ASSERT_TRUE(report.ok()) << report.status().message();
  const auto json = nlohmann::json::parse(render_device_json(*report, {}, 1));
  EXPECT_EQ(json.at("format"), "lathe-device-probe");
  EXPECT_FALSE(json.at("machine").contains("ceilings"));  // of the CPU nothing was measured
  EXPECT_GT(json.at("device").at("copy_gbps"), 0);
  ASSERT_EQ(json.at("rows").size(), 3u);
  for (const auto& row : json.at("rows")) {
    const bool small = row.at("variant") == "small.f32.64";
    EXPECT_EQ(row.at("disposition"), small ? "passed" : "not_supported");
    EXPECT_EQ(row.contains("wall_ms"), small);
  }
  const std::string text = render_device_table(*report);
  EXPECT_NE(text.find("small.f32.64 *"), std::string::npos) << text;
  EXPECT_NE(text.find("N is 40, needed: 8192 or more"), std::string::npos) << text;
}

// Without a device: a report made by hand.
TEST(DeviceReportTest, EntersThePlanAndReadsLikeTheCpus) {
  DeviceReport report;
  report.device.name = "card, \"one\"";
  report.copy_gbps = 100;
  report.shapes = {shape_of(1, 40, 64, matmul::Type::q8_0), shape_of(1, 40, 64, matmul::Type::q4_k)};
  DeviceRow fast, slow, wrong, peer, refused;
  fast.variant = "small.q8_0.64", slow.variant = "columns.q8_0.64x64", wrong.variant = "columns.q8_0.64x128";
  peer.variant = "sgemm", peer.provider = "cublas";
  refused.shape = 1, refused.variant = "small.q8_0.64", refused.disposition = Disposition::not_supported;
  fast.disposition = slow.disposition = peer.disposition = Disposition::passed;
  wrong.disposition = Disposition::incorrect;
  fast.timing.gpu.median_ms = 0.1, slow.timing.gpu.median_ms = 0.2, peer.timing.gpu.median_ms = 0.05;
  fast.best = true;
  report.rows = {slow, fast, wrong, peer, refused};
  const tune::DevicePlan plan = update_device_plan(report, tune::DevicePlan(tune::device_key(report.device)));
  ASSERT_EQ(plan.entries().size(), 1u);
  EXPECT_EQ(plan.entries()[0].measured.size(), 2u);
  EXPECT_EQ(plan.lookup(*tune::device_problem(report.shapes[0].problem))->name, "small.q8_0.64");
  const Report same = as_report(report);
  EXPECT_TRUE(same.rows[1].best_of_ours);
  EXPECT_TRUE(same.rows[3].best_overall);
  const std::string csv = render_device_csv(report);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 6);
  EXPECT_NE(csv.find(",\"vulkan:0 card, \"\"one\"\"\","), std::string::npos) << csv;
  const std::string page = render_device_html(report, {});
  EXPECT_NE(page.find("\"cublas\""), std::string::npos);
}

TEST(DeviceProbe, WrongOptionsAreRefused) {
  DeviceOptions options = brief();
  options.variants = {"nothing*"};
  EXPECT_EQ(run_device_probe({}, options, {}).status().code(), Code::invalid_argument);
  options = brief();
  options.seconds = 0;
  EXPECT_EQ(run_device_probe({}, options, {}).status().code(), Code::invalid_argument);
  options = brief();
  options.device = "vulkan:99";
  EXPECT_FALSE(run_device_probe({}, options, {}).ok());
}

}  // namespace
}  // namespace lathe::probe
