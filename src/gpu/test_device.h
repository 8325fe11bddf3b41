// The device that tests run on, validation layers on where they are installed. No message of theirs is tolerated.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "gpu/instance.h"

namespace lathe::gpu {

class DeviceTest : public testing::Test {
 protected:
  void SetUp() override {
    auto instance = Instance::create({.validation = true});
    if (!instance && instance.status().code() == Code::unsupported) {  // no layers, or a build without Vulkan
      std::fprintf(stderr, "%s\n", instance.status().message().c_str());
      instance = Instance::create();
    }
    if (!instance && (instance.status().code() == Code::not_found || instance.status().code() == Code::unsupported))
      GTEST_SKIP() << instance.status().message();
    ASSERT_TRUE(instance.ok()) << instance.status().message();
    instance_ = *instance;
    if (instance_->devices().empty()) GTEST_SKIP() << "there is no Vulkan device on this machine";
    reopen({});
  }

  void TearDown() override {
    device_.reset();
    if (instance_ == nullptr) return;
    for (const std::string& message : instance_->messages()) ADD_FAILURE() << message;
  }

  void reopen(const DeviceOptions& options) {
    auto device = instance_->open(0, options);
    ASSERT_TRUE(device.ok()) << device.status().message();
    device_ = *device;
  }

  std::shared_ptr<Instance> instance_;
  std::shared_ptr<Device> device_;
};

}  // namespace lathe::gpu
