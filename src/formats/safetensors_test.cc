#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/test_files.h"
#include "formats/fake_bytes.h"
#include "quant/dequantize.h"

namespace lathe {
namespace {

// The sentence that a file of this header and data gives; the name of the file is taken off.
std::string error_in(std::string_view bytes, Code code = Code::corrupt) {
  const auto content = parse_safetensors(as_bytes(bytes), "f");
  EXPECT_FALSE(content.ok());
  EXPECT_EQ(content.status().code(), code) << content.status().message();
  const std::string message = content.status().message();
  EXPECT_EQ(message.substr(0, 3), "f: ");
  EXPECT_NE(message.find("needed: "), std::string::npos) << message;
  return message.substr(3);
}
std::string error_of(std::string_view header, std::string_view data = "", Code code = Code::corrupt) {
  return error_in(safetensors_bytes(header, data), code);
}
// The same of a tensor 'w' with these fields and 8 bytes of data.
std::string field_error(const std::string& fields, Code code = Code::corrupt) {
  return error_of("{\"w\":{" + fields + "}}", "12345678", code);
}

TEST(Safetensors, GivesTensorsInTheOrderOfTheHeader) {
  const std::string bytes = safetensors_bytes(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[2,10]},)"
      R"("\u00e4":{"shape":[],"data_offsets":[0,2],"dtype":"BF16"},"e":{"dtype":"I64","shape":[0,3],"data_offsets":[10,10]}}  )",
      "abABCDEFGH");
  const auto content = parse_safetensors(as_bytes(bytes), "f");
  ASSERT_TRUE(content.ok()) << content.status().message();
  ASSERT_EQ(content->tensors.size(), 3u);
  const TensorView& b = content->tensors[0];
  EXPECT_EQ(b.name, "b");
  EXPECT_EQ(b.dtype, DType::f32);
  EXPECT_EQ(b.shape, (Shape{1, 2}));
  EXPECT_EQ(std::memcmp(b.bytes.data(), "ABCDEFGH", 8), 0);
  EXPECT_EQ(b.bytes.size(), 8u);
  EXPECT_EQ(content->tensors[1].name, "\u00e4");
  EXPECT_EQ(content->tensors[1].shape.rank(), 0);
  EXPECT_EQ(content->tensors[1].bytes.size(), 2u);
  EXPECT_EQ(content->tensors[2].elements(), 0);
  EXPECT_EQ(content->metadata.at("format"), "pt");
}

TEST(Safetensors, AFileOfNothingIsValid) {
  for (const char* header : {"{}", R"({"__metadata__":null})", R"({"__metadata__":{}})"})
    EXPECT_TRUE(parse_safetensors(as_bytes(safetensors_bytes(header, "")), "f").ok()) << header;
}

TEST(Safetensors, TheHeadersLengthIsChecked) {
  EXPECT_EQ(error_in(""), "has 0 bytes, needed: 8 for the header's length");
  EXPECT_EQ(error_in(raw(uint64_t{3}) + "{}"),
            "the header's length is 3, needed: at most the 2 bytes that follow; is the file cut short?");
  EXPECT_NE(error_in(raw(uint64_t{1} << 31) + "{}").find("is 2147483648, needed: at most 100000000"),
            std::string::npos);
  EXPECT_NE(error_in(raw(~uint64_t{0}) + "{}").find("needed: at most 100000000"), std::string::npos);
  EXPECT_NE(error_in(raw(uint64_t{0})).find("begins with ''"), std::string::npos);
  EXPECT_NE(error_in(safetensors_bytes(" {}", "")).find("begins with ' '"), std::string::npos);
}

TEST(Safetensors, WhatIsNotTheHeadersFormNamesTheField) {
  EXPECT_EQ(error_of(R"({"w":1})"), "tensor 'w' is 1, needed: an object with dtype, shape and data_offsets");
  EXPECT_EQ(error_of(R"({"w":null})"), "tensor 'w' is null, needed: an object with dtype, shape and data_offsets");
  EXPECT_EQ(error_of(R"({"__metadata__":[]})"), "__metadata__ is an array, needed: an object of strings");
  EXPECT_EQ(error_of(R"({"__metadata__":{"a":1}})"), "__metadata__, 'a' is 1, needed: a string");
  EXPECT_EQ(error_of(R"({"__metadata__":{"a":"","a":""}})"), "__metadata__, 'a' is there twice, needed: a string");
  EXPECT_NE(error_of(R"({"__metadata__":{},"__metadata__":{}})").find("there twice"), std::string::npos);
  EXPECT_NE(error_of(R"({"w":{}})").find("tensor 'w', dtype is missing, needed: the name of a dtype"),
            std::string::npos);
  EXPECT_NE(field_error(R"("dtype":"F32")").find("shape is missing"), std::string::npos);
  EXPECT_NE(field_error(R"("dtype":"F32","shape":[2])").find("data_offsets is missing"), std::string::npos);
  EXPECT_NE(field_error(R"("dtype":32)").find("dtype is 32"), std::string::npos);
  EXPECT_NE(field_error(R"("dtype":["F32"])").find("dtype is an array"), std::string::npos);
  EXPECT_NE(field_error(R"("dtype":"F32","dtype":"F32")").find("dtype is there twice"), std::string::npos);
  EXPECT_NE(field_error(R"("dtype":"Q4","shape":[2],"data_offsets":[0,8])", Code::unsupported).find("dtype is 'Q4'"),
            std::string::npos);
  EXPECT_NE(field_error(R"("shape":{})").find("shape is an object"), std::string::npos);
  EXPECT_NE(field_error(R"("shape":[-1])").find("shape is -1, needed: a dimension of 0 to"), std::string::npos);
  EXPECT_NE(field_error(R"("shape":[1.0])").find("shape is 1"), std::string::npos);
  EXPECT_NE(field_error(R"("shape":[9223372036854775808])").find("shape is 9223372036854775808"), std::string::npos);
  EXPECT_NE(field_error(R"("shape":[1,1,1,1,1,1,1,1,1])").find("more than 8 dimensions"), std::string::npos);
  EXPECT_NE(field_error(R"("data_offsets":[0])").find("an array of 1, needed: an array of two"), std::string::npos);
  EXPECT_NE(field_error(R"("data_offsets":[0,8,9])").find("a third offset"), std::string::npos);
  EXPECT_NE(field_error(R"("data_offsets":["0",8])").find("data_offsets is '0'"), std::string::npos);
  EXPECT_NE(field_error(R"("extra":1)").find("the field 'extra'"), std::string::npos);
  EXPECT_NE(error_of("{\"w\":{\"shape\":[[[[]]]]}}").find("nested 5 deep"), std::string::npos);
  EXPECT_NE(error_of("{\"w\"").find("is not JSON"), std::string::npos);
}

TEST(Safetensors, OffsetsThatLieAreErrors) {
  const auto error = [](const char* fields) { return field_error(std::string("\"dtype\":\"F32\",") + fields); };
  EXPECT_EQ(
      error(R"("shape":[2],"data_offsets":[0,9])"),
      "tensor 'w', data_offsets are [0, 9], needed: at most 8, the bytes behind the header; is the file cut short?");
  EXPECT_EQ(error(R"("shape":[2],"data_offsets":[8,0])"),
            "tensor 'w', data_offsets are [8, 0], needed: the end not before the begin");
  EXPECT_EQ(error(R"("shape":[3],"data_offsets":[0,8])"),
            "tensor 'w', data_offsets are [0, 8], needed: 12 bytes for F32 [3]");
  EXPECT_EQ(error(R"("shape":[1],"data_offsets":[0,4])"),
            "the tensors end at 4, needed: 8, the bytes behind the header");
  EXPECT_EQ(error(R"("shape":[1],"data_offsets":[4,8])"),
            "tensor 'w', data_offsets begin at 4, needed: 0, where the tensor before ends (a hole)");
  EXPECT_NE(error(R"("shape":[4611686018427387904,2],"data_offsets":[0,8])").find("fewer than 2^63 bytes"),
            std::string::npos);
  EXPECT_NE(error(R"("shape":[4611686018427387904],"data_offsets":[0,0])").find("fewer than 2^63 bytes"),
            std::string::npos);
  EXPECT_EQ(
      error_of(
          R"({"a":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},"b":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
          "12345678"),
      "tensor 'b', data_offsets begin at 4, needed: 5, where the tensor before ends (they overlap)");
}

constexpr const char* kA = R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
constexpr const char* kB = R"({"b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}})";

TEST(SafetensorsOpen, AFileAFolderAndShards) {
  const FakeFolder folder("safetensors");
  const std::string a = folder.write("one/model.safetensors", safetensors_bytes(kA, "12"));
  for (const std::string& path : {a, folder.path("one")}) {
    const auto model = open_safetensors(path);
    ASSERT_TRUE(model.ok()) << model.status().message();
    EXPECT_EQ(std::memcmp(model->tensors.find("a")->bytes.data(), "12", 2), 0);
  }
  folder.write("two/x-1.safetensors", safetensors_bytes(kA, "12"));
  folder.write("two/x-2.safetensors", safetensors_bytes(kB, "345"));
  const std::string index = folder.write(
      "two/model.safetensors.index.json",
      R"({"metadata":{"total_size":5,"x":[{"y":null}]},"weight_map":{"b":"x-2.safetensors","a":"x-1.safetensors"}})");
  for (const std::string& path : {index, folder.path("two")}) {
    const auto model = open_safetensors(path);
    ASSERT_TRUE(model.ok()) << model.status().message();
    EXPECT_EQ(model->files.size(), 2u);
    EXPECT_EQ(std::memcmp(model->tensors.find("b")->bytes.data(), "345", 3), 0);
    EXPECT_EQ(model->tensors.all().size(), 2u);
  }
}

TEST(SafetensorsOpen, WhatIsMissingIsNamed) {
  const FakeFolder folder("safetensors_absent");
  EXPECT_EQ(open_safetensors(folder.path("x.safetensors")).status().code(), Code::not_found);
  EXPECT_EQ(open_safetensors(folder.path()).status().message(),
            folder.path() +
                ": the folder has neither model.safetensors nor model.safetensors.index.json, needed: one of them");
}

TEST(SafetensorsOpen, AnIndexThatLiesIsAnError) {
  const FakeFolder folder("safetensors_index");
  folder.write("a.safetensors", safetensors_bytes(kA, "12"));
  folder.write("b.safetensors", safetensors_bytes(kB, "345"));
  folder.write("c.safetensors", safetensors_bytes(kA, "67"));
  const auto error = [&](const std::string& index) {
    const std::string path = folder.write("model.safetensors.index.json", index);
    const auto model = open_safetensors(path);
    EXPECT_FALSE(model.ok()) << index;
    EXPECT_EQ(model.status().message().substr(0, path.size()), path) << model.status().message();
    return model.ok() ? "" : model.status().message().substr(path.size() + 2);
  };
  EXPECT_NE(error("[]").find("is an array, needed: an object with weight_map"), std::string::npos);
  EXPECT_NE(error(R"({"weight_map":[]})").find("weight_map is an array, needed: an object"), std::string::npos);
  EXPECT_NE(error("{}").find("weight_map is missing"), std::string::npos);
  EXPECT_NE(error(R"({"x":{"weight_map":{"a":"b"}}})").find("weight_map is missing"), std::string::npos);
  EXPECT_NE(error(R"({"weight_map":{},"weight_map":{}})").find("weight_map is there twice"), std::string::npos);
  EXPECT_NE(error(R"({"weight_map":{"a":{}}})").find("'a' is an object"), std::string::npos);
  EXPECT_NE(error(R"({"weight_map":{}})").find("weight_map is empty"), std::string::npos);
  EXPECT_NE(error(R"({"weight_map":{"a":1}})").find("'a' is a number"), std::string::npos);
  EXPECT_NE(
      error(R"({"weight_map":{"a":"a.safetensors","a":"a.safetensors"}})").find("'a' is there twice, needed: once"),
      std::string::npos);
  EXPECT_EQ(error(R"({"weight_map":{"a":"d.safetensors"}})"),
            "weight_map, shard 'd.safetensors' is not there, needed: all 1 shards");
  EXPECT_EQ(error(R"({"weight_map":{"a":"b.safetensors"}})"),
            "weight_map, 'a' is not in 'b.safetensors', needed: it there");
  EXPECT_NE(error(R"({"weight_map":{"a":"b.safetensors","b":"a.safetensors"}})").find("is not in"), std::string::npos);
  EXPECT_NE(error(R"({"weight_map":{"a":"a.safetensors","x":"c.safetensors"}})").find("'a' is there twice"),
            std::string::npos);
  for (const char* elsewhere :
       {"../a.safetensors", "/etc/passwd", "..", ".", "", "x/../a.safetensors", "a\\\\b", "a\\u0000b"})
    EXPECT_NE(error(std::string(R"({"weight_map":{"a":")") + elsewhere + "\"}}").find("a file beside the index"),
              std::string::npos)
        << elsewhere;
}

TEST(SafetensorsOpen, RealFixtures) {
  struct Fixture {
    const char* name;
    const char* embeddings;
    DType dtype;
    Shape shape;
  };
  const Fixture fixtures[] = {
      {"tiny_bert", "embeddings.word_embeddings.weight", DType::f32, {256, 32}},
      {"tiny_gemma3", "model.embed_tokens.weight", DType::bf16, {256, 64}},
      {"tiny_llama3", "model.embed_tokens.weight", DType::bf16, {256, 64}},
      {"tiny_qwen3", "model.embed_tokens.weight", DType::bf16, {256, 64}},
  };
  if (!std::filesystem::exists(test_data("fixtures"))) GTEST_SKIP() << "no " << test_data("fixtures");
  for (const Fixture& fixture : fixtures) {
    const auto model = open_safetensors(test_data(std::string("fixtures/") + fixture.name));
    ASSERT_TRUE(model.ok()) << model.status().message();
    const auto embeddings = model->tensors.require(fixture.embeddings, fixture.shape);
    ASSERT_TRUE(embeddings.ok()) << embeddings.status().message();
    EXPECT_EQ((*embeddings)->dtype, fixture.dtype);
    std::vector<float> values(static_cast<size_t>((*embeddings)->elements()));
    ASSERT_TRUE(dequantize(fixture.dtype, (*embeddings)->bytes, (*embeddings)->elements(), values.data()).ok());
    float largest = 0;
    for (const float value : values) largest = std::max(largest, std::fabs(value));
    EXPECT_GT(largest, 0.001f) << fixture.name;
    EXPECT_LT(largest, 10.0f) << fixture.name;
  }
}

}  // namespace
}  // namespace lathe
