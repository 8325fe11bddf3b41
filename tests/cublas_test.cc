// The layer that opens cuBLAS, against a library of this test that stands for it.
#include "gpu/cublas.h"

#include <gtest/gtest.h>

#include "platform/shared_library.h"

namespace lathe::gpu {
namespace {

std::string uuid_of(int device) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += "a" + std::to_string(device);
  return text;
}

CublasFiles fake() { return {{LATHE_FAKE_CUDA}, {LATHE_FAKE_CUDA}}; }

class CublasTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto library = SharedLibrary::open({LATHE_FAKE_CUDA});
    ASSERT_TRUE(library.ok()) << library.status().message();
    ASSERT_TRUE(library->find("fake_fail", &fail_));
    ASSERT_TRUE(library->find("fake_blocks", &blocks_));
    ASSERT_TRUE(library->find("fake_tick", &tick_));
    fail_("");
    *tick_ = 1;
  }
  void TearDown() override { EXPECT_EQ(*blocks_, 0); }

  void (*fail_)(const char*) = nullptr;
  int* blocks_ = nullptr;
  int* tick_ = nullptr;
};

TEST(CublasFilesTest, WhatIsNotInstalledIsOneLine) {
  const auto none = Cublas::open(uuid_of(0), {{"libno_cuda.so"}, {LATHE_FAKE_CUDA}});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.status().code(), Code::unsupported);
  EXPECT_EQ(none.status().message(), "libno_cuda.so not found");
  EXPECT_EQ(Cublas::open(uuid_of(0), {{LATHE_FAKE_CUDA}, {"libno_a.so", "libno_b.so"}}).status().message(),
            "libno_a.so, libno_b.so not found");
  const auto without = Cublas::open(uuid_of(0), {{LATHE_FAKE_CUDA}, {LATHE_FAKE_CUDA_WITHOUT_SGEMM}});
  ASSERT_FALSE(without.ok());
  EXPECT_EQ(without.status().code(), Code::unsupported);
  EXPECT_NE(without.status().message().find("has no function cublasSgemm_v2"), std::string::npos);
}

TEST_F(CublasTest, TakesTheDeviceOfThatUuid) {
  for (const int device : {0, 1}) {
    const auto opened = Cublas::open(uuid_of(device), fake());
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    EXPECT_EQ((*opened)->version(), 120301);
  }
  const auto other = Cublas::open(uuid_of(2), fake());
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.status().message(), "cublas: none of 2 CUDA devices has the UUID " + uuid_of(2));
}

TEST_F(CublasTest, ComputesOnEveryCopyAndTimesByEvents) {
  const auto opened = Cublas::open(uuid_of(1), fake());
  ASSERT_TRUE(opened.ok());
  Cublas& cublas = **opened;
  const std::vector<float> x = {1, 2, 3, 4, 5, 6}, w = {1, 0, 2, 0, 1, 1};  // [2,3] and [2,3]
  std::vector<float> y = {100, 200, 300, 400};
  ASSERT_TRUE(cublas.take({2, 2, 3, 2.0f, 1.0f}, x.data(), w.data(), y.data(), 3).ok());
  const std::vector<float> expected = {100 + 2 * 7, 200 + 2 * 5, 300 + 2 * 16, 400 + 2 * 11};
  for (int64_t copy = 0; copy < 4; ++copy) {
    std::vector<float> out(4);
    ASSERT_TRUE(cublas.write_y(y.data()).ok());
    ASSERT_TRUE(cublas.run(copy, 1).ok());
    ASSERT_TRUE(cublas.read_y(out.data()).ok());
    EXPECT_EQ(out, expected);
  }
  const auto ns = cublas.time(5);
  ASSERT_TRUE(ns.ok()) << ns.status().message();
  EXPECT_EQ(*ns, std::vector<double>(5, 1e6 / 1024));
  *tick_ = 0;
  EXPECT_EQ(cublas.time(1).status().message(), "cublas: two events around a product are of one time");
}

TEST_F(CublasTest, WhatFailsIsSaidWithItsNumber) {
  for (const char* name : {"cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetUuid", "cuDevicePrimaryCtxRetain",
                           "cuCtxSetCurrent", "cublasCreate_v2", "cublasGetVersion_v2"}) {
    fail_(name);
    const auto opened = Cublas::open(uuid_of(0), fake());
    ASSERT_FALSE(opened.ok()) << name;
    EXPECT_EQ(opened.status().code(), Code::failed);
    EXPECT_NE(opened.status().message().find(": error 7"), std::string::npos) << opened.status().message();
  }
  fail_("");
  const auto opened = Cublas::open(uuid_of(0), fake());
  ASSERT_TRUE(opened.ok());
  const std::vector<float> one(4, 1);
  const auto take = [&] { return (*opened)->take({2, 2, 2}, one.data(), one.data(), one.data(), 1); };
  for (const char* name : {"cuMemAlloc_v2", "cuMemcpyHtoD_v2"}) {
    fail_(name);
    EXPECT_FALSE(take().ok()) << name;
  }
  fail_("");
  ASSERT_TRUE(take().ok());
  for (const char* name : {"cublasSgemm_v2", "cuCtxSynchronize"}) {
    fail_(name);
    EXPECT_FALSE((*opened)->run(0, 1).ok()) << name;
  }
  for (const char* name : {"cuEventCreate", "cuEventRecord", "cuEventElapsedTime"}) {
    fail_(name);
    EXPECT_FALSE((*opened)->time(2).ok()) << name;
  }
  EXPECT_EQ((*opened)->take({0, 2, 2}, one.data(), one.data(), one.data(), 1).code(), Code::invalid_argument);
}

}  // namespace
}  // namespace lathe::gpu
