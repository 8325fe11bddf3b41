#include "base/bounded_json.h"

#include <gtest/gtest.h>

#include <string>

namespace lathe {
namespace {

using Json = nlohmann::json;

std::string error_of(const std::string& text, const JsonLimits& limits = {}) {
  const auto json = parse_json(text, "f.json", limits);
  EXPECT_FALSE(json.ok()) << text;
  const std::string message = json.status().message();
  EXPECT_EQ(message.substr(0, 8), "f.json: ") << message;
  EXPECT_LT(message.size(), 300u);
  return message;
}

TEST(BoundedJson, GivesWhatTheParserOfTheLibraryGives) {
  for (const char* text : {R"({"a":[1,-2,3.5e3,true,false,null,"x\u00e4\n"],"b":{"c":{},"d":[],"":{"e":[[{}]]}}})", "7",
                           " [ ] ", R"("text")", "null", "18446744073709551615"}) {
    const auto json = parse_json(text, "f.json");
    ASSERT_TRUE(json.ok()) << json.status().message();
    EXPECT_EQ(*json, Json::parse(text)) << text;
  }
}

TEST(BoundedJson, WhatIsNoJsonIsASentence) {
  for (const char* text :
       {"", "{", "{\"a\":}", "[1,]", "nul", "\"\xff\"", "1e999", "{} {}", "]", "\"open", "{\"a\" 1}"})
    EXPECT_NE(error_of(text).find("is not JSON"), std::string::npos) << error_of(text);
  EXPECT_NE(error_of(std::string("{}\0x", 4)).find("NUL at byte 2"), std::string::npos);
}

TEST(BoundedJson, AKeyThatStandsTwiceIsAnError) {
  EXPECT_EQ(error_of(R"({"a":{"k":1,"k":2}})"), "f.json: key 'k' stands twice in one object, needed: once");
  EXPECT_TRUE(parse_json(R"({"k":{"k":1},"a":{"k":1}})", "f").ok());
}

TEST(BoundedJson, DepthIsLimited) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(64), "f").ok());
  EXPECT_NE(error_of(nested(65)).find("nested 65 deep, needed: at most 64"), std::string::npos);
  EXPECT_NE(error_of(std::string(10'000'000, '[')).find("nested"), std::string::npos);
  EXPECT_TRUE(parse_json("\"" + std::string(1000, '[') + "\"", "f").ok());
}

TEST(BoundedJson, TokensAreLimited) {
  const JsonLimits limits{.token = 10};
  EXPECT_TRUE(parse_json(R"(["12345678",1234567890])", "f", limits).ok());
  EXPECT_NE(error_of(R"(["123456789"])", limits).find("byte 1 is 11 bytes long, needed: at most 10"),
            std::string::npos);
  EXPECT_NE(error_of(R"(["1234567\"\\"])", limits).find("bytes long"), std::string::npos);
  EXPECT_NE(error_of("[12345678901]", limits).find("bytes long"), std::string::npos);
  EXPECT_NE(error_of("[           ]", limits).find("bytes long"), std::string::npos);
}

TEST(BoundedJson, ValuesAreLimited) {
  const JsonLimits limits{.values = 5};
  EXPECT_TRUE(parse_json("[1,2,3,4]", "f", limits).ok());
  EXPECT_NE(error_of("[1,2,3,4,5]", limits).find("more than 5 values"), std::string::npos);
  EXPECT_TRUE(parse_json("\",,,,,,,:::::\"", "f", limits).ok());
}

}  // namespace
}  // namespace lathe
