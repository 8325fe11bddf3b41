// For tests: generators on a device and on the CPU over one small model of random weights, and what a session tells.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"
#include "gpu/instance.h"
#include "run/generator.h"

namespace lathe::run::testing {

constexpr Llama2cHeader kDeviceTestModel = small_llama2c();

class DeviceGeneratorFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto instance = gpu::Instance::create();
    if (!instance || (*instance)->devices().empty()) GTEST_SKIP() << "there is no Vulkan device on this machine";
    folder_.write("model.bin", llama2c_bytes(kDeviceTestModel));
    folder_.write("tok320.bin", llama2c_vocabulary(kDeviceTestModel.vocabulary));
  }
  Result<std::unique_ptr<Generator>> try_open(GeneratorOptions options) {
    options.model = folder_.path("model.bin");
    options.threads = 1;
    return Generator::open(options);
  }
  std::unique_ptr<Generator> open(std::optional<int64_t> device, int64_t context = 0) {
    auto opened = try_open({.cache_type = ops::KvType::f32, .context = context, .device = device});
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    return opened ? std::move(*opened) : nullptr;
  }
  FakeFolder folder_{"device_generator"};
};

struct Told {
  std::vector<int32_t> tokens;
  Finish finish = Finish::none;
  Status status;
};

inline Told answer(Generator& generator, std::span<const int32_t> prompt, SessionOptions options) {
  Told told;
  const auto session = generator.start(prompt, std::move(options));
  EXPECT_TRUE(session.ok()) << session.status().message();
  while (session && generator.busy()) {
    const Status status = generator.step([&told](const SessionEvent& event) {
      if (event.token >= 0) told.tokens.push_back(event.token);
      told.finish = event.finish, told.status = event.status;
    });
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) break;
  }
  return told;
}

inline std::vector<int32_t> prompt_of(int32_t tokens) {
  std::vector<int32_t> ids = {1};
  for (int32_t i = 1; i < tokens; ++i) ids.push_back(i * 17 % 317 + 3);
  return ids;
}

}  // namespace lathe::run::testing
