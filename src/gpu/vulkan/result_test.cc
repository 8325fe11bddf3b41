// Every result that means something to people is a sentence of its own; the loss of a device is remembered.
#include "gpu/vulkan/result.h"

#include <gtest/gtest.h>

#include "gpu/vulkan/context.h"

namespace lathe::gpu {
namespace {

TEST(VulkanResult, SaysWhatWhereAndWhy) {
  EXPECT_TRUE(to_status(VK_SUCCESS, "submitting", "vulkan:0 (x)").ok());
  const Status lost = to_status(VK_ERROR_DEVICE_LOST, "submitting", "vulkan:0 (x)");
  EXPECT_EQ(lost.code(), Code::failed);
  EXPECT_EQ(lost.message(),
            "vulkan:0 (x): submitting: the device was lost: a kernel ran too long or the driver failed; open it anew "
            "(VkResult -4)");
  EXPECT_EQ(to_status(VK_ERROR_OUT_OF_DEVICE_MEMORY, "a", "b").code(), Code::out_of_memory);
  EXPECT_EQ(to_status(VK_ERROR_OUT_OF_HOST_MEMORY, "a", "b").code(), Code::out_of_memory);
  EXPECT_EQ(to_status(VK_ERROR_FEATURE_NOT_PRESENT, "a", "b").code(), Code::unsupported);
  EXPECT_EQ(to_status(VK_ERROR_INCOMPATIBLE_DRIVER, "a", "b").code(), Code::not_found);
  EXPECT_EQ(to_status(VK_ERROR_UNKNOWN, "a", "b").message(), "b: a: the driver refused (VkResult -13)");
}

TEST(VulkanResult, ALostDeviceStaysLost) {
  Context context;
  context.info.name = "x";
  EXPECT_FALSE(context.check(VK_ERROR_OUT_OF_DEVICE_MEMORY, "allocating").ok());
  EXPECT_TRUE(context.lost().ok());
  EXPECT_FALSE(context.check(VK_ERROR_DEVICE_LOST, "waiting for it").ok());
  EXPECT_NE(context.lost().message().find("the device was lost"), std::string::npos);
  EXPECT_TRUE(context.check(VK_SUCCESS, "submitting").ok());
  EXPECT_FALSE(context.lost().ok());
}

}  // namespace
}  // namespace lathe::gpu
