// Opening, memory, transfer, recordings, timestamps, the cache of pipelines.
#include "gpu/device.h"

#include <cstring>
#include <numeric>
#include <vector>

#include "gpu/matmul_program.h"
#include "gpu/test_device.h"
#include "gpu/transfer.h"

namespace lathe::gpu {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

std::vector<std::byte> counting(int64_t bytes) {
  std::vector<std::byte> data(static_cast<size_t>(bytes));
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 7 + i / 251);
  return data;
}

PipelineSpec small_spec() { return {"small", {64, 0, 0}, false}; }

TEST_F(DeviceTest, SaysWhatItIs) {
  const DeviceInfo& info = device_->info();
  EXPECT_FALSE(info.name.empty());
  EXPECT_FALSE(info.driver.empty());
  EXPECT_GE(info.subgroup_size, 1);
  EXPECT_GE(info.most_threads, 128);
  EXPECT_GE(info.shared_bytes, 16384);
  EXPECT_GE(info.most_groups, 65535);
  EXPECT_GT(info.memory_bytes, 0);
  EXPECT_GT(device_->memory().budget, 0);
}

TEST_F(DeviceTest, RefusesADeviceThatIsNotThere) {
  const auto none = instance_->open(99);
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.status().code(), Code::not_found);
  EXPECT_NE(none.status().message().find("vulkan:99"), std::string::npos) << none.status().message();
  EXPECT_FALSE(instance_->open(-1).ok());
  EXPECT_FALSE(instance_->open(0, {.memory_budget = -1}).ok());
}

TEST_F(DeviceTest, BuffersArePiecesOfBlocks) {
  std::vector<std::shared_ptr<Buffer>> buffers;
  for (int i = 0; i < 100; ++i) {
    auto buffer = device_->create_buffer(1000 + i, MemoryUse::device);
    ASSERT_TRUE(buffer.ok()) << buffer.status().message();
    EXPECT_EQ((*buffer)->address() % 256, 0u);
    EXPECT_EQ((*buffer)->mapped(), nullptr);
    buffers.push_back(*buffer);
  }
  EXPECT_EQ(device_->memory().blocks, 1);
  EXPECT_EQ(device_->memory().used, 100 * 1280 - 25 * 256);
  buffers.clear();
  EXPECT_EQ(device_->memory().used, 0);
  EXPECT_EQ(device_->memory().reserved, 0);
}

TEST_F(DeviceTest, ABudgetThatIsUsedUpIsOutOfMemory) {
  reopen({.memory_budget = 8 * kMiB});
  auto most = device_->create_buffer(6 * kMiB, MemoryUse::device);
  ASSERT_TRUE(most.ok()) << most.status().message();
  const auto more = device_->create_buffer(4 * kMiB, MemoryUse::device);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.status().code(), Code::out_of_memory);
  for (const char* part : {"4.0 MiB", "6.0 MiB", "budget of 8.0 MiB"})
    EXPECT_NE(more.status().message().find(part), std::string::npos) << more.status().message();
  EXPECT_TRUE(device_->create_buffer(2 * kMiB, MemoryUse::device).ok());
  EXPECT_TRUE(device_->create_buffer(64 * kMiB, MemoryUse::upload).ok());  // the host's
  EXPECT_FALSE(device_->create_buffer(0, MemoryUse::device).ok());
}

TEST_F(DeviceTest, BytesComeBackThroughStagingInPieces) {
  constexpr int64_t kBytes = 1'000'003;
  const auto data = counting(kBytes);
  auto buffer = device_->create_buffer(kBytes + 5, MemoryUse::device);
  ASSERT_TRUE(buffer.ok());
  Transfer transfer(device_, 64 << 10);
  std::vector<int64_t> seen;
  const Status up = transfer.upload(data, **buffer, 5, [&](int64_t done, int64_t total) {
    EXPECT_EQ(total, kBytes);
    seen.push_back(done);
  });
  ASSERT_TRUE(up.ok()) << up.message();
  EXPECT_EQ(seen.size(), 16u);
  EXPECT_EQ(seen.back(), kBytes);
  std::vector<std::byte> back(data.size());
  const Status down = transfer.download(**buffer, 5, back);
  ASSERT_TRUE(down.ok()) << down.message();
  EXPECT_EQ(back, data);
  EXPECT_EQ(transfer.upload(data, **buffer, 6).code(), Code::invalid_argument);
  EXPECT_EQ(transfer.download(**buffer, -1, back).code(), Code::invalid_argument);
}

TEST_F(DeviceTest, MistakesInARecordingAreSaidAtItsEnd) {
  auto pipeline = device_->create_pipeline(small_spec());
  ASSERT_TRUE(pipeline.ok()) << pipeline.status().message();
  const std::vector<std::byte> push(96);
  const auto end_of = [&](const auto& body) {
    auto recording = device_->record(1);
    EXPECT_TRUE(recording.ok()) << recording.status().message();
    body(**recording);
    const Status s = (*recording)->end();
    EXPECT_FALSE(device_->submit(**recording).ok());
    return s.message();
  };
  EXPECT_NE(end_of([&](Recording& r) {
              r.dispatch(**pipeline, push, {0, 1});
            }).find("0 x 1 groups"),
            std::string::npos);
  EXPECT_NE(end_of([&](Recording& r) {
              const std::vector<std::byte> long_push(132);
              r.dispatch(**pipeline, long_push, {1, 1});
            }).find("132 bytes"),
            std::string::npos);
  auto buffer = device_->create_buffer(64, MemoryUse::device);
  ASSERT_TRUE(buffer.ok());
  EXPECT_NE(end_of([&](Recording& r) { r.copy(**buffer, 32, **buffer, 0, 33); }).find("33 bytes"), std::string::npos);
  EXPECT_NE(end_of([&](Recording& r) { r.timestamp(), r.timestamp(); }).find("a timestamp more"), std::string::npos);
}

TEST_F(DeviceTest, TimestampsAscend) {
  auto a = device_->create_buffer(4 * kMiB, MemoryUse::device), b = device_->create_buffer(4 * kMiB, MemoryUse::device);
  ASSERT_TRUE(a.ok() && b.ok());
  auto recording = device_->record(3);
  ASSERT_TRUE(recording.ok()) << recording.status().message();
  (*recording)->timestamp();
  (*recording)->copy(**a, 0, **b, 0, 4 * kMiB);
  (*recording)->timestamp();
  (*recording)->barrier();
  (*recording)->copy(**b, 0, **a, 0, 4 * kMiB);
  (*recording)->timestamp();
  ASSERT_TRUE((*recording)->end().ok());
  EXPECT_EQ(device_->timestamps(**recording).status().code(), Code::failed);  // it has not run: they are absent
  for (int run = 0; run < 3; ++run) {
    ASSERT_TRUE(device_->submit(**recording).ok());
    const auto times = device_->timestamps(**recording);
    ASSERT_TRUE(times.ok()) << times.status().message();
    ASSERT_EQ(times->size(), 3u);
    EXPECT_EQ((*times)[0], 0);
    EXPECT_LT((*times)[0], (*times)[1]);
    EXPECT_LT((*times)[1], (*times)[2]);
  }
}

TEST_F(DeviceTest, TheCacheOfPipelinesComesBackAndForeignOnesDoNot) {
  ASSERT_TRUE(device_->create_pipeline(small_spec()).ok());
  const auto cache = device_->pipeline_cache();
  ASSERT_TRUE(cache.ok()) << cache.status().message();
  if (cache->empty()) GTEST_SKIP() << "the driver keeps nothing";
  ASSERT_GE(cache->size(), 32u);
  reopen({.pipeline_cache = *cache});
  EXPECT_EQ(device_->pipeline_cache_refusal(), "");
  EXPECT_TRUE(device_->create_pipeline(small_spec()).ok());
  auto foreign = *cache;
  foreign[20] ^= std::byte{1};  // of the driver's identity
  reopen({.pipeline_cache = foreign});
  EXPECT_EQ(device_->pipeline_cache_refusal(), "is of another driver");
  EXPECT_TRUE(device_->create_pipeline(small_spec()).ok());
  reopen({.pipeline_cache = std::span(*cache).first(31)});
  EXPECT_EQ(device_->pipeline_cache_refusal(), "is of 31 bytes, needed: a header of 32");
}

TEST_F(DeviceTest, APipelineIsCompiledOnce) {
  const auto first = device_->create_pipeline(small_spec());
  const auto again = device_->create_pipeline(small_spec());
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->get(), again->get());
  EXPECT_EQ(device_->pipelines_compiled(), 1);
  PipelineSpec other = small_spec();
  other.constants[2] = 1;
  device_->prepare_pipeline(other);
  const auto prepared = device_->create_pipeline(other);
  ASSERT_TRUE(prepared.ok()) << prepared.status().message();
  EXPECT_NE(prepared->get(), first->get());
  EXPECT_EQ((*prepared)->spec(), other);
  device_->prepare_pipeline(other);
  EXPECT_EQ(device_->pipelines_compiled(), 2);
}

TEST_F(DeviceTest, AShaderThatIsNotThereIsAnError) {
  device_->prepare_pipeline({"nothing", {64}, false});  // is said where it is asked for
  const auto none = device_->create_pipeline({"nothing", {64}, false});
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.status().code(), Code::not_found);
  EXPECT_NE(none.status().message().find("'nothing'"), std::string::npos);
}

TEST_F(DeviceTest, WhatLivesOnADeviceMayOutliveTheHandleToIt) {
  auto buffer = device_->create_buffer(1000, MemoryUse::upload);
  auto pipeline = device_->create_pipeline(small_spec());
  auto recording = device_->record();
  ASSERT_TRUE(buffer.ok() && pipeline.ok() && recording.ok());
  ASSERT_TRUE((*recording)->end().ok());
  device_.reset();
  std::memset((*buffer)->mapped(), 1, 1000);
}

}  // namespace
}  // namespace lathe::gpu
