#include "formats/hf_config.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/test_files.h"

namespace lathe {
namespace {

constexpr const char* kConfig = R"({
  "hidden_size": 384, "minus": -1, "eps": 1e-12, "theta": 1000000, "tied": true, "huge": 18446744073709551615,
  "hidden_act": "gelu", "nothing": null, "layer_types": ["full", "sliding"], "eos": [1, 106],
  "rope": {"inner": {"factor": 8.0}, "text": "x"}, "prompts": {"query": "q: ", "": "e"}, "mixed": [1, "a"]})";

std::string message(const Status& status) { return status.message(); }

class HfConfigTest : public testing::Test {
 protected:
  HfConfigTest() : config_(std::move(*HfConfig::parse(kConfig, "config.json"))) {}
  HfConfig config_;
};

TEST_F(HfConfigTest, GivesWhatIsThere) {
  EXPECT_EQ(*config_.require_int("hidden_size"), 384);
  EXPECT_EQ(*config_.require_int("minus", IntRange{}), -1);
  EXPECT_EQ(*config_.require_float("eps"), 1e-12);
  EXPECT_EQ(*config_.require_float("theta"), 1e6);
  EXPECT_EQ(*config_.require_bool("tied"), true);
  EXPECT_EQ(*config_.require_string("hidden_act"), "gelu");
  EXPECT_EQ(*config_.require_float("rope.inner.factor"), 8.0);
  EXPECT_EQ(*config_.require_strings("layer_types"), (std::vector<std::string_view>{"full", "sliding"}));
  EXPECT_EQ(*config_.require_ints("eos"), (std::vector<int64_t>{1, 106}));
  EXPECT_EQ(*config_.require_floats("eos"), (std::vector<float>{1, 106}));
  const auto prompts = config_.texts("prompts");
  EXPECT_EQ(prompts->size(), 2u);
  EXPECT_EQ((*prompts)[1], (std::pair<std::string, std::string>("query", "q: ")));
  EXPECT_EQ(config_.texts("absent")->size(), 0u);
}

TEST_F(HfConfigTest, NullIsAbsentAndAbsentHasAFallback) {
  EXPECT_FALSE(config_.has("nothing"));
  EXPECT_FALSE(config_.has("rope.inner.absent"));
  EXPECT_FALSE(config_.has("hidden_size.absent"));
  EXPECT_TRUE(config_.has("rope.inner"));
  EXPECT_EQ(*config_.int_or("nothing", 7), 7);
  EXPECT_EQ(*config_.int_or("hidden_size", 7), 384);
  EXPECT_EQ(*config_.float_or("absent", 0.5), 0.5);
  EXPECT_EQ(*config_.bool_or("absent", true), true);
  EXPECT_EQ(*config_.string_or("absent", "x"), "x");
  EXPECT_FALSE(config_.int_or("hidden_act", 7).ok());
}

TEST_F(HfConfigTest, EveryErrorNamesFileFieldFoundAndNeeded) {
  EXPECT_EQ(message(config_.require_int("layers").status()),
            "config.json: layers is missing, needed: an integer of 1 to 2147483647");
  EXPECT_EQ(message(config_.require_int("minus").status()),
            "config.json: minus is -1, needed: an integer of 1 to 2147483647");
  EXPECT_EQ(message(config_.require_int("eps", IntRange{}).status()), "config.json: eps is 1e-12, needed: an integer");
  EXPECT_EQ(message(config_.require_int("huge").status()),
            "config.json: huge is an integer beyond 63 bits, needed: an integer of 1 to 2147483647");
  EXPECT_EQ(message(config_.require_float("hidden_act").status()),
            "config.json: hidden_act is 'gelu', needed: a finite number");
  EXPECT_EQ(message(config_.require_float("theta", {0, 1}).status()),
            "config.json: theta is 1000000, needed: a number of 0 to 1");
  EXPECT_EQ(message(config_.require_bool("eos").status()), "config.json: eos is an array, needed: true or false");
  EXPECT_EQ(message(config_.require_string("rope").status()), "config.json: rope is an object, needed: a string");
  EXPECT_EQ(message(config_.require_string("tied").status()), "config.json: tied is true, needed: a string");
  EXPECT_EQ(message(config_.require_strings("mixed").status()),
            "config.json: mixed is an array whose element 0 is 1, needed: an array, each a string");
  EXPECT_EQ(message(config_.require_ints("hidden_act").status()),
            "config.json: hidden_act is 'gelu', needed: an array, each an integer");
  EXPECT_EQ(message(config_.require_ints("eos", {0, 100}).status()),
            "config.json: eos is an array whose element 1 is 106, needed: an array, each an integer of 0 to 100");
  EXPECT_EQ(message(config_.texts("rope").status()), "config.json: rope, 'inner' is object, needed: a string");
  EXPECT_EQ(message(config_.texts("eos").status()), "config.json: eos is array, needed: an object of strings");
}

TEST(HfConfig, WhatIsNoObjectIsAnError) {
  EXPECT_EQ(message(HfConfig::parse("[]", "c").status()), "c: is array, needed: a JSON object");
  EXPECT_NE(message(HfConfig::parse(R"({"a":1,"a":2})", "c").status()).find("'a' stands twice"), std::string::npos);
  EXPECT_EQ(HfConfig::parse("{", "c").status().code(), Code::corrupt);
  EXPECT_EQ(HfConfig::open("absent.json").status().code(), Code::not_found);
}

TEST(HfConfig, AListIsOneConfigurationForEachElement) {
  const FakeFolder folder("hf_list");
  const std::string path = folder.write("modules.json", R"([{"type":"a"},{"type":"b"}])");
  const auto list = HfConfig::open_list(path);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(*(*list)[1].require_string("type"), "b");
  EXPECT_EQ((*list)[1].file(), path + "[1]");
  EXPECT_EQ(message(HfConfig::open_list(folder.write("x", "{}")).status()),
            folder.path("x") + ": is object, needed: a JSON array");
  EXPECT_EQ(message(HfConfig::open_list(folder.write("x", "[1]")).status()),
            folder.path("x") + "[0]: is number, needed: a JSON object");
}

TEST(HfConfig, RealFixtures) {
  if (!std::filesystem::exists(test_data("fixtures"))) GTEST_SKIP() << "no " << test_data("fixtures");
  const auto gemma = HfConfig::open(test_data("fixtures/tiny_gemma3/config.json"));
  ASSERT_TRUE(gemma.ok()) << gemma.status().message();
  EXPECT_EQ(*gemma->require_int("sliding_window"), 4);
  EXPECT_EQ(*gemma->require_float("rms_norm_eps"), 1e-6);
  const auto llama = HfConfig::open(test_data("fixtures/tiny_llama3/config.json"));
  ASSERT_TRUE(llama.ok()) << llama.status().message();
  EXPECT_EQ(*llama->require_float("rope_scaling.factor"), 8.0);
}

}  // namespace
}  // namespace lathe
