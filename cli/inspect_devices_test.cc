// lathe inspect devices as a shell sees it, with devices and without.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "gpu/instance.h"
#include "shell.h"

namespace lathe {
namespace {

using cli::run_lathe;

TEST(InspectDevices, ListsWhatTheLibraryFinds) {
  const auto o = run_lathe("inspect devices --json");
  ASSERT_EQ(o.exit, 0) << o.out;
  const auto document = nlohmann::json::parse(o.out);
  const auto instance = gpu::Instance::create();
  const size_t there = instance ? (*instance)->devices().size() : 0;
  ASSERT_EQ(document.at("devices").size(), there);
  EXPECT_EQ(document.at("reason").get<std::string>().empty(), there > 0);
  for (size_t i = 0; i < there; ++i) {
    const gpu::DeviceInfo& d = (*instance)->devices()[i];
    const auto& json = document.at("devices")[i];
    EXPECT_EQ(json.at("device"), "vulkan:" + std::to_string(i));
    EXPECT_EQ(json.at("name"), d.name);
    EXPECT_EQ(json.at("subgroup_size"), d.subgroup_size);
    EXPECT_EQ(json.at("usable"), d.unusable.empty());
  }
}

TEST(InspectDevices, TellsPeopleTheSame) {
  const auto o = run_lathe("inspect devices");
  ASSERT_EQ(o.exit, 0) << o.out;
  const auto instance = gpu::Instance::create();
  if (!instance || (*instance)->devices().empty()) {
    EXPECT_EQ(o.out.substr(0, 11), "No device: ") << o.out;
    return;
  }
  EXPECT_NE(o.out.find("vulkan:0: " + (*instance)->devices()[0].name), std::string::npos) << o.out;
}

// As on a machine without drivers; a loader that looks elsewhere still finds what it finds.
TEST(InspectDevices, NoDriverIsAnAnswer) {
  const auto o = run_lathe("inspect devices", "VK_ICD_FILENAMES=/dev/null VK_DRIVER_FILES=/dev/null");
  EXPECT_EQ(o.exit, 0) << o.err;
  EXPECT_EQ(o.out.substr(0, 11), "No device: ") << o.out;
}

}  // namespace
}  // namespace lathe
