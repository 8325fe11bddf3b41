// A device by its name, and the file of its pipelines.
#include "gpu/named_device.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/atomic_file.h"
#include "base/sha256.h"
#include "base/test_files.h"
#include "gpu/pipeline_file.h"

namespace lathe::gpu {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  return {first, first + text.size()};
}

TEST(DeviceName, IsVulkanOrVulkanWithANumber) {
  EXPECT_EQ(*parse_device_name("vulkan"), 0);
  EXPECT_EQ(*parse_device_name("vulkan:0"), 0);
  EXPECT_EQ(*parse_device_name("vulkan:12"), 12);
  for (const char* wrong : {"", "cpu", "vulkan:", "vulkan:x", "vulkan:-1", "vulkan: 1", "vulkan:1 ", "vulkan1",
                            "vulkan:99999999999999999999"}) {
    const auto index = parse_device_name(wrong);
    ASSERT_FALSE(index.ok()) << wrong;
    EXPECT_EQ(index.status().message(), std::string("the device is '") + wrong + "', needed: vulkan or vulkan:N");
  }
}

TEST(PipelineFile, ComesBackAndIsOneForEachDeviceAndDriver) {
  const FakeFolder folder("pipeline_file");
  DeviceInfo info;
  info.uuid = "00ff", info.driver = "radv", info.driver_version = "Mesa 22", info.driver_number = 7;
  const std::string path = pipeline_file_path(folder.path("a/b"), info);
  EXPECT_EQ(read_pipeline_file(path).status().code(), Code::not_found);
  const auto bytes = bytes_of(std::string_view("two\0 words", 10));
  ASSERT_TRUE(write_pipeline_file(path, bytes).ok());
  const auto back = read_pipeline_file(path);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(*back, bytes);
  ASSERT_TRUE(write_pipeline_file(path, {}).ok());
  EXPECT_TRUE(read_pipeline_file(path)->empty());
  const auto other = [&](auto change) {
    DeviceInfo changed = info;
    change(changed);
    return pipeline_file_path(folder.path("a/b"), changed) != path;
  };
  EXPECT_TRUE(other([](auto& i) { i.uuid = "00fe"; }));
  EXPECT_TRUE(other([](auto& i) { i.driver_version = "Mesa 23"; }));
  EXPECT_TRUE(other([](auto& i) { i.driver_number = 8; }));
  EXPECT_FALSE(other([](auto& i) { i.name = "renamed"; }));
}

TEST(PipelineFile, DamageIsASentence) {
  const FakeFolder folder("pipeline_damage");
  const std::string path = folder.path("x.pipelines");
  ASSERT_TRUE(write_pipeline_file(path, bytes_of("0123456789")).ok());
  const std::string good = *read_file(path, 1 << 20);
  const auto expect_corrupt = [&](const std::string& text, const char* words) {
    folder.write("x.pipelines", text);
    const auto read = read_pipeline_file(path);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.status().code(), Code::corrupt);
    EXPECT_NE(read.status().message().find(words), std::string::npos) << read.status().message();
    EXPECT_EQ(read.status().message().find(path), 0u);
  };
  expect_corrupt("", "is no file of pipelines");
  expect_corrupt(good.substr(0, 82), "is no file of pipelines");
  expect_corrupt("x" + good, "is no file of pipelines");
  expect_corrupt(good.substr(0, good.size() - 1), "does not match its SHA-256");
  expect_corrupt(good + "x", "does not match its SHA-256");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string flipped = good;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    folder.write("x.pipelines", flipped);
    EXPECT_EQ(read_pipeline_file(path).status().code(), Code::corrupt) << "byte " << i;
  }
}

TEST(PipelineFile, AFolderThatCannotBeMadeIsAnError) {
  const FakeFolder folder("pipeline_folder");
  folder.write("plain", "");
  const Status s = write_pipeline_file(folder.path("plain/below/x.pipelines"), {});
  EXPECT_EQ(s.code(), Code::io) << s.message();
}

class NamedDeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto device = NamedDevice::open("vulkan", {});
    if (!device) GTEST_SKIP() << device.status().message();
  }
  static void compile_one(NamedDevice& device) {
    const auto made = device.device()->create_pipeline({"small", {64, 0, 0}, false});
    ASSERT_TRUE(made.ok()) << made.status().message();
  }
  FakeFolder folder_{"named_device"};
};

TEST_F(NamedDeviceTest, WithoutAFolderNothingIsKept) {
  auto device = NamedDevice::open("vulkan:0", {});
  ASSERT_TRUE(device.ok());
  compile_one(*device);
  EXPECT_TRUE(device->keep_pipelines().ok());
  EXPECT_EQ(device->pipeline_path(), "");
}

TEST_F(NamedDeviceTest, TheNextStartHasThePipelinesOfThisOne) {
  const NamedDeviceOptions options = {.pipeline_folder = folder_.path("pipelines")};
  {
    auto device = NamedDevice::open("vulkan", options);
    ASSERT_TRUE(device.ok()) << device.status().message();
    EXPECT_EQ(device->pipeline_refusal(), "");
    compile_one(*device);
    if (device->device()->pipeline_cache()->empty()) GTEST_SKIP() << "the driver keeps nothing";
    ASSERT_TRUE(device->keep_pipelines().ok());
  }
  auto next = NamedDevice::open("vulkan", options);
  ASSERT_TRUE(next.ok()) << next.status().message();
  EXPECT_EQ(next->pipeline_refusal(), "");
  const auto kept = read_pipeline_file(next->pipeline_path());
  ASSERT_TRUE(kept.ok()) << kept.status().message();
  EXPECT_GE(kept->size(), 32u);
  // Nothing new, nothing written: the file may be read-only, or on a disk that sleeps.
  const auto before = std::filesystem::last_write_time(next->pipeline_path());
  compile_one(*next);
  ASSERT_TRUE(next->keep_pipelines().ok());
  const auto now = next->device()->pipeline_cache();
  ASSERT_TRUE(now.ok());
  EXPECT_EQ(std::filesystem::last_write_time(next->pipeline_path()) == before, *now == *kept);
}

TEST_F(NamedDeviceTest, WhatIsNotTakenIsSaidAndReplaced) {
  const NamedDeviceOptions options = {.pipeline_folder = folder_.path("pipelines")};
  std::string path;
  {
    auto device = NamedDevice::open("vulkan", options);
    ASSERT_TRUE(device.ok());
    compile_one(*device);
    if (device->device()->pipeline_cache()->empty()) GTEST_SKIP() << "the driver keeps nothing";
    ASSERT_TRUE(device->keep_pipelines().ok());
    path = device->pipeline_path();
  }
  auto bytes = *read_pipeline_file(path);
  const auto reopen_after = [&](const std::vector<std::byte>& content) {
    EXPECT_TRUE(write_pipeline_file(path, content).ok());
    auto device = NamedDevice::open("vulkan", options);
    EXPECT_TRUE(device.ok());
    const std::string why = device->pipeline_refusal();
    compile_one(*device);
    EXPECT_TRUE(device->keep_pipelines().ok());
    EXPECT_NE(*read_pipeline_file(path), content);
    return why;
  };
  auto foreign = bytes;
  foreign[16] ^= std::byte{1};  // the driver's identity in the driver's own head
  EXPECT_EQ(reopen_after(foreign), path + ": is of another driver");
  auto other = bytes;
  other[8] ^= std::byte{1};
  EXPECT_EQ(reopen_after(other), path + ": is of another device");
  EXPECT_EQ(reopen_after({bytes.begin(), bytes.begin() + 8}), path + ": is of 8 bytes, needed: a header of 32");
  folder_.write("pipelines/" + std::filesystem::path(path).filename().string(), "rubbish");
  auto device = NamedDevice::open("vulkan", options);
  ASSERT_TRUE(device.ok());
  EXPECT_NE(device->pipeline_refusal().find("is no file of pipelines"), std::string::npos);
}

}  // namespace
}  // namespace lathe::gpu
