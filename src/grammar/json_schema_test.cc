#include "grammar/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "grammar/matcher.h"

namespace lathe::grammar {
namespace {

using Json = nlohmann::ordered_json;

std::string verdict(const Json& schema, std::string_view text) {
  const auto source = json_schema_to_gbnf(schema, "s");
  if (!source) return source.status().message();
  auto grammar = parse_gbnf(*source, "g");
  if (!grammar) return grammar.status().message() + "\n" + *source;
  std::vector<std::string> texts;
  for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
  auto trie = TokenTrie::create(std::move(texts));
  auto matcher = Matcher::create(std::make_shared<const Grammar>(*std::move(grammar)),
                                 std::make_shared<const TokenTrie>(*std::move(trie)), 256, {});
  if (!matcher) return matcher.status().message();
  for (const char byte : text)
    if (!matcher->accept(static_cast<unsigned char>(byte)).ok()) return "no";
  return matcher->may_end() ? "yes" : "part";
}

struct Case {
  const char* schema;
  std::vector<const char*> yes, no;
};
class Schema : public ::testing::TestWithParam<Case> {};
TEST_P(Schema, Allows) {
  const Json schema = Json::parse(GetParam().schema);
  for (const char* text : GetParam().yes) EXPECT_EQ(verdict(schema, text), "yes") << text;
  for (const char* text : GetParam().no) {
    const std::string found = verdict(schema, text);
    EXPECT_TRUE(found == "no" || found == "part") << text << ": " << found;
  }
}
INSTANTIATE_TEST_SUITE_P(
    JsonSchema, Schema,
    ::testing::Values(
        Case{"true", {"1", " [ ] ", "{\"a\": [null, {}]}", "\"x\\u00e9\"", "-0.5e+10"}, {"01", "{a:1}", "[1,]", "'x'"}},
        Case{R"({"type": "integer"})", {"0", "-12"}, {"1.5", "\"1\"", "+1"}},
        Case{R"({"type": "number"})", {"1.5", "2E5"}, {".5", "1."}},
        Case{R"({"type": ["string", "null"]})", {"\"\"", "null"}, {"1"}},
        Case{R"({"type": "string", "minLength": 2, "maxLength": 3})",
             {"\"ab\"", "\"\xC3\xA9\xC3\xA9\xC3\xA9\"", "\"\\n\\n\""},
             {"\"a\"", "\"abcd\""}},
        Case{R"({"enum": ["a", 1, null, {"k": "\""}]})", {"\"a\"", "1", "null", R"({"k":"\""})"}, {"\"b\"", "2"}},
        Case{R"({"const": "x\ny"})", {"\"x\\ny\""}, {"\"x\""}},
        Case{R"({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3})",
             {"[1]", "[1, 2,3 ]"},
             {"[]", "[1,2,3,4]", "[true]"}},
        Case{R"({"type": "array", "maxItems": 0})", {"[]"}, {"[1]"}},
        Case{R"({"items": {"type": "null"}})", {"[]", "[null,null]"}, {"{}"}},
        Case{
            R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "boolean"}, "c": {"type": "null"}},
             "required": ["b"], "additionalProperties": false})",
            {R"({"b": true})", R"({"a": 1, "b": false})", R"({"b": true, "c": null})", R"({"a":1,"b":true,"c":null})"},
            {R"({})", R"({"a": 1})", R"({"b": true, "a": 1})", R"({"b": true, "x": 1})", R"({"b": true,})",
             R"({,"b": true})"}},
        Case{R"({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}})",
             {R"({})", R"({"a": []})", R"({"x": 1})", R"({"a": 2, "aa": 1, "": 3})", R"({"b": 1, "c": 2})"},
             {R"({"x": "y"})", R"({"x": 1, "a": 1})", R"({"\u0061": 1})"}},
        Case{R"({"type": "object"})", {"{}", R"({"any": [1]})"}, {"[]"}},
        Case{R"({"required": ["k"]})", {R"({"k": 1})"}, {"{}"}},
        Case{R"({"anyOf": [{"type": "integer"}, {"oneOf": [{"const": true}, {"type": "array", "items": true}]}]})",
             {"5", "true", "[[]]"},
             {"false"}},
        Case{R"({"allOf": [{"$ref": "#/$defs/t~1x"}], "$defs": {"t/x": {"type": "integer"}}})", {"1"}, {"\"\""}},
        Case{
            R"({"$ref": "#/definitions/tree", "definitions": {"tree": {"type": "object", "properties": {"left": {"$ref": "#/definitions/tree"},
             "v": {"type": "integer"}}, "required": ["v"]}}})",
            {R"({"v": 1})", R"({"left": {"left": {"v": 1}, "v": 2}, "v": 3})"},
            {R"({"left": {}})", "{}"}},
        Case{
            R"({"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"],
             "title": "chain", "description": "d"})",
            {R"({"next": {"next": null}})"},
            {R"({"next": 1})"}}));

TEST(JsonSchema, Refusals) {
  const auto message = [](const char* schema) {
    return json_schema_to_gbnf(Json::parse(schema), "s").status().message();
  };
  EXPECT_EQ(message("false"), "s: at '#': needed: a schema that allows something, an object or true");
  EXPECT_EQ(message(R"({"type": "string", "pattern": "^a"})"),
            "s: at '#': the keyword 'pattern' is not supported here");
  EXPECT_EQ(message(R"({"properties": {"a": {"type": "integer", "minimum": 1}}})"),
            "s: at '#/properties/a': the keyword 'minimum' is not supported here");
  EXPECT_EQ(message(R"({"type": "thing"})"), "s: at '#': the type 'thing' is none of JSON's");
  EXPECT_EQ(message(R"({"$ref": "http://x"})"), "s: at '#': $ref 'http://x' does not lead into the schema");
  EXPECT_EQ(message(R"({"$ref": "#/a/b"})"), "s: at '#': $ref '#/a/b' leads to nothing");
  EXPECT_EQ(message(R"({"$ref": "#", "minLength": 1})"), "s: at '#': the keyword 'minLength' is not supported here");
  EXPECT_EQ(message(R"({"anyOf": []})"), "s: at '#/anyOf': needed: a list with at least one schema");
  EXPECT_EQ(message(R"({"allOf": [{}, {}]})"), "s: at '#': allOf is supported with one element only");
  EXPECT_EQ(message(R"({"type": "array", "minItems": 5, "maxItems": 2})"), "s: at '#': maxItems is below minItems");
  EXPECT_EQ(message(R"({"type": "array", "minItems": -1})"), "s: at '#': minItems is no number from 0 to 1000000");
  EXPECT_EQ(message(R"({"required": ["k"], "additionalProperties": false})"),
            "s: at '#': required has 'k', which additionalProperties forbids");
  EXPECT_EQ(message(R"({"enum": []})"), "s: at '#': enum needs a list with at least one value");
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += R"({"items":)";
  deep += "true" + std::string(1000, '}');
  EXPECT_NE(message(deep.c_str()).find("nested more than 64 deep"), std::string::npos);
  EXPECT_NE(verdict(Json::parse(R"({"$ref": "#"})"), "").find("allows no text"), std::string::npos);
}

// Keywords and values shuffled: a grammar that parses, or a sentence.
TEST(JsonSchema, Mutations) {
  const Json source = Json::parse(
      R"({"type": "object", "properties": {"a": {"type": "array", "items": {"enum": [1, "x"]}, "minItems": 2},
    "b": {"anyOf": [{"$ref": "#/$defs/d"}, {"type": ["null", "string"], "maxLength": 4}]}}, "required": ["a"],
    "additionalProperties": {"$ref": "#"}, "$defs": {"d": {"type": "object", "properties": {"a]^-": true}, "additionalProperties": true}}})");
  const std::string text = source.dump();
  uint64_t state = 11;
  const auto below = [&state](size_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>(state >> 33) % bound;
  };
  const char* const kParts[] = {"\"type\"", "\"items\"", "true",  "false", "null", "[]",
                                "{}",       "\"$ref\"",  "\"#\"", "7",     "-1",   "\"object\""};
  int taken = 0, refused = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string changed = text;
    for (size_t left = 1 + below(2); left > 0; --left) {
      const size_t begin = changed.find_first_of("\"[{tfn0123456789", below(changed.size()));
      if (begin == changed.npos) continue;
      const size_t end = std::min(changed.find_first_of(",:]}", begin + 1), changed.size());
      changed.replace(begin, end - begin, kParts[below(std::size(kParts))]);
    }
    const Json schema = Json::parse(changed, nullptr, false);
    if (schema.is_discarded()) continue;
    const auto gbnf = json_schema_to_gbnf(schema, "s");
    if (!gbnf) {
      ++refused;
      ASSERT_LT(gbnf.status().message().size(), 400u);
      continue;
    }
    ++taken;
    const auto grammar = parse_gbnf(*gbnf, "g");
    const bool is_circle = grammar.status().message().find("in a circle") != std::string::npos;
    ASSERT_TRUE(grammar.ok() || is_circle) << grammar.status().message() << "\n" << *gbnf;
  }
  EXPECT_GT(taken, 100);
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace lathe::grammar
