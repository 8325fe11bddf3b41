// lathe quantize and lathe convert as a shell sees them.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/test_files.h"
#include "formats/fake_bytes.h"
#include "shell.h"

namespace lathe::cli {
namespace {

class QuantizeCommand : public testing::Test {
 protected:
  void SetUp() override {
    FakeGguf fake;
    fake.string("general.architecture", "test");
    fake.tensor("w.weight", {256, 4}, 0, 0).tensor("w.bias", {4}, 0, 4096);
    for (int i = 0; i < 1028; ++i) fake.data += raw(static_cast<float>(i % 17));
    folder_.write("in.gguf", fake.bytes() + std::string(16, '\0'));
  }
  Outcome lathe(const std::string& arguments) const {
    return shell("cd " + folder_.path() + " && \"" LATHE_BINARY "\" " + arguments);
  }

  FakeFolder folder_{"quantize_command"};
};

TEST_F(QuantizeCommand, SaysWhatBecameOfIt) {
  const Outcome outcome = lathe("quantize in.gguf out.gguf --type q8_0");
  EXPECT_EQ(outcome.exit, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "out.gguf: 0.0 MB, from 0.0 MB of tensors; 8.59 bits per weight\n");
  EXPECT_TRUE(std::filesystem::exists(folder_.path("out.gguf")));
  EXPECT_EQ(lathe("quantize in.gguf out.gguf --type q4_k -q").err, "");
}

TEST_F(QuantizeCommand, QuantsThatAreQuantisedAgainAreWorthANote) {
  ASSERT_EQ(lathe("quantize in.gguf out.gguf --type q8_0").exit, 0);
  const Outcome outcome = lathe("quantize out.gguf smaller.gguf --type q4_0");
  EXPECT_NE(outcome.err.find("note: 1 tensor was quantised already"), std::string::npos) << outcome.err;
}

TEST_F(QuantizeCommand, MistakesAreSentences) {
  const auto error = [&](const std::string& arguments, int exit) {
    const Outcome outcome = lathe(arguments);
    EXPECT_EQ(outcome.exit, exit) << arguments;
    return outcome.err;
  };
  EXPECT_EQ(error("quantize in.gguf out.gguf --type q3_k", 2),
            "lathe: --type is 'q3_k', needed: one of q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k, f16, bf16, f32\n");
  EXPECT_NE(error("quantize in.gguf out.gguf --type q8_0 --mixed", 2).find("needed: q4_k or q5_k"), std::string::npos);
  EXPECT_NE(error("quantize gone.gguf out.gguf --type q8_0", 1).find("gone.gguf"), std::string::npos);
  EXPECT_NE(error("quantize in.gguf no/out.gguf --type q8_0", 1).find("no/out.gguf: cannot be created"),
            std::string::npos);
  EXPECT_NE(error("convert in.gguf folder", 1).find("general.architecture is 'test'"), std::string::npos);
  EXPECT_NE(error("convert in.gguf folder --type q8_0", 2).find("needed: f32, f16 or bf16"), std::string::npos);
  EXPECT_NE(error("convert in.gguf out.gguf --shard 1M", 2).find("--shard is given"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder_.path("out.gguf")));
  EXPECT_FALSE(std::filesystem::exists(folder_.path("folder")));
}

}  // namespace
}  // namespace lathe::cli
