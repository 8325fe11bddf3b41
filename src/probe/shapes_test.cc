#include "probe/shapes.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace lathe::probe {
namespace {

using matmul::Activation;
using matmul::Order;
using matmul::Type;

constexpr char kFull[] =
    R"([{"name": "ffn", "m": 17, "n": 4096, "k": 1024, "layout": "kn", "types": {"a": "f32", "w": "bf16", "c": "f32"},
         "epilogue": "bias+gelu_tanh+residual", "batch": 3, "prepared": false, "count": 24, "from": "a model"}])";

// A valid entry with one part replaced.
std::string entry_with(const std::string& from, const std::string& to) {
  std::string text = R"([{"m": 17, "n": 4096, "k": 1024, "layout": "nk", "types": "f32", "epilogue": "none"}])";
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Shapes, ReadsEveryField) {
  const auto shapes = parse_shapes(kFull, "file.json", {});
  ASSERT_TRUE(shapes) << shapes.status().message();
  ASSERT_EQ(shapes->size(), 1u);
  const Shape& s = shapes->front();
  EXPECT_EQ(s.name, "ffn");
  EXPECT_EQ(s.problem.m, 17);
  EXPECT_EQ(s.problem.n, 4096);
  EXPECT_EQ(s.problem.k, 1024);
  EXPECT_EQ(s.problem.order, Order::kn);
  EXPECT_EQ(s.problem.w, Type::bf16);
  EXPECT_TRUE(s.problem.bias && s.problem.residual);
  EXPECT_EQ(s.problem.act, Activation::gelu_tanh);
  EXPECT_FALSE(s.problem.gated);
  EXPECT_EQ(s.problem.batch, 3);
  EXPECT_FALSE(s.problem.prepared);
  EXPECT_EQ(s.count, 24);
  EXPECT_EQ(s.source, "a model");
  EXPECT_EQ(s.group, "a model");
}

TEST(Shapes, DefaultsWhereOptionalFieldsAreAbsent) {
  const auto shapes = parse_shapes(entry_with("none", "none"), "file.json", {});
  ASSERT_TRUE(shapes) << shapes.status().message();
  EXPECT_EQ(shapes->front().name, "f32 17x4096x1024");
  EXPECT_EQ(shapes->front().problem.batch, 1);
  EXPECT_TRUE(shapes->front().problem.prepared);
  EXPECT_EQ(shapes->front().count, 1);
  EXPECT_EQ(shapes->front().group, "file.json");
  const auto transposed = parse_shapes(entry_with("\"nk\"", "\"tn\""), "file.json", {});
  ASSERT_TRUE(transposed);
  EXPECT_TRUE(transposed->front().problem.a_transposed);
  EXPECT_EQ(transposed->front().problem.order, Order::kn);
  EXPECT_FALSE(transposed->front().problem.prepared);
}

TEST(Shapes, WordsForTypesAndGates) {
  const auto u8 = parse_shapes(entry_with("\"f32\"", "\"u8\""), "f", {});
  ASSERT_TRUE(u8);
  EXPECT_EQ(u8->front().problem.a, Type::u8);
  EXPECT_EQ(u8->front().problem.w, Type::s8);
  EXPECT_EQ(u8->front().problem.c, Type::s32);
  const auto swiglu = parse_shapes(entry_with("none", "swiglu"), "f", {});
  ASSERT_TRUE(swiglu);
  EXPECT_TRUE(swiglu->front().problem.gated);
  EXPECT_EQ(swiglu->front().problem.act, Activation::silu);
}

struct BadCase {
  const char* what;
  std::string json;
  std::vector<std::string> says;
};

// Every sentence names the file, the entry, the field, what was found and what was needed.
TEST(Shapes, RefusesWithASentence) {
  const std::string valid = R"({"m": 1, "n": 1, "k": 1, "layout": "nk", "types": "f32", "epilogue": "none"})";
  const std::vector<BadCase> cases = {
      {"not JSON", "[{\"m\": 1,", {"not JSON", "byte"}},
      {"empty text", "", {"not JSON"}},
      {"trailing text", "[" + valid + "] x", {"not JSON"}},
      {"not an array", valid, {"an array of shapes"}},
      {"empty array", "[]", {"empty", "at least one"}},
      {"entry no object", "[" + valid + ", 7]", {"entry 1", "is 7", "an object"}},
      {"missing m", entry_with("\"m\": 17, ", ""), {"entry 0", "\"m\" is missing", "whole number"}},
      {"missing n", entry_with("\"n\": 4096, ", ""), {"\"n\" is missing"}},
      {"missing k", entry_with("\"k\": 1024, ", ""), {"\"k\" is missing"}},
      {"missing layout", entry_with("\"layout\": \"nk\", ", ""), {"\"layout\" is missing"}},
      {"missing types", entry_with("\"types\": \"f32\", ", ""), {"\"types\" is missing"}},
      {"missing epilogue", entry_with(", \"epilogue\": \"none\"", ""), {"\"epilogue\" is missing"}},
      {"zero", entry_with("17", "0"), {"\"m\" is 0", "from 1"}},
      {"negative", entry_with("17", "-3"), {"\"m\" is -3"}},
      {"fraction", entry_with("17", "1.5"), {"\"m\" is 1.5", "whole number"}},
      {"fraction that is whole", entry_with("17", "17.0"), {"\"m\" is 17.0"}},
      {"2^31", entry_with("17", "2147483648"), {"\"m\" is 2147483648", "2147483647"}},
      {"2^64", entry_with("17", "18446744073709551616"), {"\"m\" is "}},
      {"text for a size", entry_with("17", "\"17\""), {"\"m\" is \"17\""}},
      {"null size", entry_with("17", "null"), {"\"m\" is null"}},
      {"unknown field", entry_with("\"m\"", "\"colour\": 1, \"m\""), {"unknown field \"colour\"", "only name, m, n"}},
      {"repeated field", entry_with("\"m\"", "\"m\": 2, \"m\""), {"\"m\" stands twice"}},
      {"layout", entry_with("\"nk\"", "\"mn\""), {"\"layout\"", "\"mn\"", "nk, kn, tn"}},
      {"layout no text", entry_with("\"nk\"", "3"), {"\"layout\" is 3"}},
      {"types", entry_with("\"f32\"", "\"f33\""), {"\"types\"", "\"f33\"", "q8_0"}},
      {"types no text", entry_with("\"f32\"", "[]"), {"\"types\" is []"}},
      {"types half", entry_with("\"f32\"", R"({"a": "f32", "w": "f32"})"), {"\"types\"", "a, w and c"}},
      {"types part", entry_with("\"f32\"", R"({"a": "f32", "w": "x", "c": "f32"})"), {"\"types\".w", "\"x\""}},
      {"types extra", entry_with("\"f32\"", R"({"a": "f32", "w": "f32", "c": "f32", "d": "f32"})"), {"with \"d\""}},
      {"epilogue", entry_with("none", "bias+tanh"), {"\"epilogue\"", "\"tanh\"", "gelu_tanh"}},
      {"epilogue empty step", entry_with("none", "bias+"), {"\"epilogue\"", "step \"\""}},
      {"epilogue twice", entry_with("none", "bias+bias"), {"\"bias\" twice"}},
      {"two activations", entry_with("none", "gelu+silu"), {"second activation \"silu\""}},
      {"gated accumulate", entry_with("none", "swiglu+accumulate"), {"accumulate"}},
      {"batch 0", entry_with("\"m\"", "\"batch\": 0, \"m\""), {"\"batch\" is 0"}},
      {"count 0", entry_with("\"m\"", "\"count\": 0, \"m\""), {"\"count\" is 0"}},
      {"prepared", entry_with("\"m\"", "\"prepared\": 1, \"m\""), {"\"prepared\" is 1", "true or false"}},
      {"name", entry_with("\"m\"", "\"name\": 1, \"m\""), {"\"name\" is 1", "a text"}},
      {"from", entry_with("\"m\"", "\"from\": {}, \"m\""), {"\"from\" is {}", "a text"}},
      {"overflow",
       entry_with(R"("m": 17, "n": 4096, "k": 1024)",
                  R"("m": 2147483647, "n": 2147483647, "k": 2147483647, "batch": 2147483647)"),
       {"entry 0", "63 bits"}},
      {"memory",
       entry_with(R"("m": 17, "n": 4096, "k": 1024)", R"("m": 1, "n": 200000, "k": 200000)"),
       {"entry 0", "GiB of memory"}},
  };
  for (const BadCase& bad : cases) {
    const auto shapes = parse_shapes(bad.json, "shapes.json", {int64_t{1} << 34});
    ASSERT_FALSE(shapes) << bad.what;
    EXPECT_EQ(shapes.status().code(), Code::invalid_argument) << bad.what;
    const std::string message = shapes.status().message();
    EXPECT_EQ(message.rfind("shapes.json: ", 0), 0u) << bad.what << ": " << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << bad.what;
    for (const std::string& part : bad.says)
      EXPECT_NE(message.find(part), std::string::npos) << bad.what << ": " << message;
  }
}

TEST(Shapes, InvalidUtf8IsShownAndNeverThrows) {
  const auto shapes = parse_shapes(entry_with("\"m\"", "\"\xff\": 1, \"m\""), "f", {});
  EXPECT_FALSE(shapes);
}

TEST(Shapes, DeepNestingIsRefused) {
  const auto shapes = parse_shapes(std::string(200000, '['), "f", {});
  ASSERT_FALSE(shapes);
  EXPECT_NE(shapes.status().message().find("not JSON"), std::string::npos);
}

TEST(Shapes, ReadsAFileAndSaysWhenThereIsNone) {
  const std::string path = testing::TempDir() + "/shapes_test.json";
  std::ofstream(path) << kFull;
  const auto shapes = read_shapes(path, {});
  ASSERT_TRUE(shapes) << shapes.status().message();
  EXPECT_EQ(shapes->size(), 1u);
  std::remove(path.c_str());
  const auto gone = read_shapes(path, {});
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.status().code(), Code::not_found);
  EXPECT_NE(gone.status().message().find(path), std::string::npos);
}

}  // namespace
}  // namespace lathe::probe
