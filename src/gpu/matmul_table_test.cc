// The table and its refusals, without a device.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "gpu/matmul.h"

namespace lathe::gpu {
namespace {

DeviceInfo usual_device() {
  DeviceInfo info;
  info.name = "usual";
  info.features = ~FeatureSet{0};
  info.subgroup_size = info.subgroup_least = info.subgroup_most = 32;
  info.most_threads = 1024, info.most_groups = 65535, info.shared_bytes = 49152;
  info.memory_bytes = info.most_buffer_bytes = int64_t{8} << 30;
  info.timestamp_bits = 64;
  info.matrices = {{16, 16, 16}, {8, 16, 16}, {8, 8, 16}, {8, 8, 8}};
  return info;
}

// A problem that the row takes.
MatmulProblem taken_by(const MatmulVariant& v) {
  MatmulProblem p;
  p.w = v.w, p.m = v.m_least;
  p.n = v.shader == "head" ? 32000 : 64;
  p.k = v.shader == "small" ? 64 : 1024;
  return p;
}

TEST(MatmulTable, NamesAreUniqueAndFound) {
  std::set<std::string> names;
  for (const MatmulVariant& v : matmul_variants()) {
    EXPECT_TRUE(names.insert(v.name).second) << v.name;
    EXPECT_EQ(find_matmul_variant(v.name), &v);
  }
  EXPECT_EQ(find_matmul_variant("columns"), nullptr);
}

TEST(MatmulTable, EveryRowTakesWhatItIsForOnAUsualDevice) {
  for (const MatmulVariant& v : matmul_variants())
    EXPECT_EQ(matmul_refusal(v, taken_by(v), usual_device()), "") << v.name;
}

TEST(MatmulTable, EveryRefusalIsASentence) {
  for (const MatmulVariant& v : matmul_variants()) {
    const MatmulProblem taken = taken_by(v);
    const auto refusal = [&](auto change) {
      MatmulProblem p = taken;
      DeviceInfo device = usual_device();
      change(p, device);
      return matmul_refusal(v, p, device);
    };
    EXPECT_NE(refusal([](auto& p, auto&) { p.w = p.w == WeightType::f32 ? WeightType::f16 : WeightType::f32; }), "");
    EXPECT_NE(refusal([](auto& p, auto&) { p.gated = p.accumulate = true; }), "");
    EXPECT_NE(refusal([](auto& p, auto&) { p.k = 0; }), "");
    EXPECT_NE(refusal([&](auto& p, auto&) { p.m = v.m_least - 1; }), "");
    if (v.m_most > 0) {
      EXPECT_NE(refusal([&](auto& p, auto&) { p.m = v.m_most + 1; }).find("rows of x"), std::string::npos);
    }
    EXPECT_NE(refusal([](auto&, auto& d) { d.unusable = "is off"; }), "");
    EXPECT_NE(refusal([](auto&, auto& d) { d.most_threads = 32; }).find("threads"), std::string::npos);
    EXPECT_NE(refusal([](auto&, auto& d) { d.most_buffer_bytes = 16; }).find("buffers of 16"), std::string::npos);
    if (v.needs != 0) {
      EXPECT_NE(refusal([](auto&, auto& d) { d.features = 0; }).find("the device lacks "), std::string::npos);
    }
    if (v.shared_bytes(v, taken, usual_device()) > 0) {
      EXPECT_NE(refusal([](auto&, auto& d) { d.shared_bytes = 0; }).find("shared memory"), std::string::npos);
    }
  }
}

TEST(MatmulTable, EveryRowFitsWhatEveryDeviceHasUngated) {
  DeviceInfo least = usual_device();
  least.shared_bytes = 16384, least.most_threads = 1024;
  int refused = 0;
  for (const MatmulVariant& v : matmul_variants()) {
    const bool large = v.shader == "cooperative" && v.geometry.tile_m > 64;
    refused += !large && matmul_refusal(v, taken_by(v), least) != "";
  }
  EXPECT_LE(refused, 2 * kWeightTypes);  // the head of K up to 8192, and what is written down with it
}

TEST(MatmulTable, LongRowsOfWorkgroupsAreFolded) {
  const MatmulVariant* v = find_matmul_variant("subgroups.f32.1x64");
  ASSERT_NE(v, nullptr);
  MatmulProblem p = taken_by(*v);
  p.n = 151936;
  const Groups groups = matmul_groups(*v, p, usual_device());
  EXPECT_EQ(groups.y, 2);
  EXPECT_GE(groups.x * groups.y * columns_of_group(*v, usual_device()), p.n);
}

}  // namespace
}  // namespace lathe::gpu
