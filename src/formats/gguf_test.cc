#include "formats/gguf.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/test_files.h"
#include "formats/fake_bytes.h"

namespace lathe {
namespace {

constexpr uint32_t kF32 = 0, kQ8_0 = 8, kQ4_K = 12;

Result<Gguf> parse(std::string_view bytes) { return Gguf::parse(as_bytes(bytes), "f"); }

std::string error_of(std::string_view bytes, Code code = Code::corrupt) {
  const auto gguf = parse(bytes);
  EXPECT_FALSE(gguf.ok());
  EXPECT_EQ(gguf.status().code(), code) << gguf.status().message();
  const std::string message = gguf.status().message();
  EXPECT_EQ(message.substr(0, 3), "f: ");
  EXPECT_NE(message.find("needed: "), std::string::npos) << message;
  return message.substr(3);
}

TEST(Gguf, GivesTensorsWithTheSlowestDimensionFirst) {
  for (const uint32_t version : {2u, 3u}) {
    FakeGguf file{.version = version};
    file.tensor("w", {32, 3}, kQ8_0, 0).tensor("b", {2}, kF32, 128).tensor("s", {}, kF32, 160);
    file.data = std::string(102, 'q') + std::string(26, '\0') + "ABCDEFGH" + std::string(24, '\0') + "1234";
    const std::string bytes = file.bytes();
    const auto gguf = parse(bytes);
    ASSERT_TRUE(gguf.ok()) << gguf.status().message();
    EXPECT_EQ(gguf->version(), version);
    const TensorView& w = gguf->tensors().all()[0];
    EXPECT_EQ(w.name, "w");
    EXPECT_EQ(w.dtype, DType::q8_0);
    EXPECT_EQ(w.shape, (Shape{3, 32}));
    EXPECT_EQ(w.bytes.size(), 102u);
    EXPECT_EQ(std::memcmp(gguf->tensors().find("b")->bytes.data(), "ABCDEFGH", 8), 0);
    EXPECT_EQ(gguf->tensors().find("s")->shape.rank(), 0);
    EXPECT_EQ(gguf->tensors().find("s")->bytes.size(), 4u);
  }
}

TEST(Gguf, GivesEveryTypeOfValue) {
  FakeGguf file;
  file.key("u8", 0, raw(uint8_t{200})).key("i8", 1, raw(int8_t{-2})).key("u16", 2, raw(uint16_t{60000}));
  file.key("i16", 3, raw(int16_t{-3})).u32("u32", 4'000'000'000u).key("i32", 5, raw(int32_t{-5}));
  file.key("f32", 6, raw(0.1f)).key("bool", 7, raw(uint8_t{1})).string("a.string", "text");
  file.key("u64", 10, raw(uint64_t{1} << 40)).key("huge", 10, raw(~uint64_t{0}));
  file.key("i64", 11, raw(int64_t{-1} << 40)).key("f64", 12, raw(0.25));
  file.array("strings", 8, 2, FakeGguf::text("x") + FakeGguf::text("")).array("bytes", 0, 3, "abc");
  file.array("floats", 6, 2, raw(1.5f) + raw(-2.5f))
      .array("bools", 7, 2, std::string_view("\1\0", 2))
      .array("none", 5, 0, "");
  const std::string bytes = file.bytes();
  const auto gguf = parse(bytes);
  ASSERT_TRUE(gguf.ok()) << gguf.status().message();
  const auto integer = [&gguf](std::string_view key) { return *gguf->require_int(key, IntRange{}); };
  EXPECT_EQ(integer("u8"), 200);
  EXPECT_EQ(integer("i8"), -2);
  EXPECT_EQ(integer("u16"), 60000);
  EXPECT_EQ(integer("i16"), -3);
  EXPECT_EQ(integer("u32"), 4'000'000'000);
  EXPECT_EQ(integer("i32"), -5);
  EXPECT_EQ(integer("u64"), int64_t{1} << 40);
  EXPECT_EQ(integer("i64"), int64_t{-1} << 40);
  EXPECT_EQ(*gguf->require_float("f32"), double{0.1f});
  EXPECT_EQ(*gguf->require_float("f64"), 0.25);
  EXPECT_TRUE(*gguf->require_bool("bool"));
  EXPECT_EQ(*gguf->require_string("a.string"), "text");
  EXPECT_EQ(gguf->require_int("huge").status().message(),
            "f: huge is an integer beyond 63 bits, needed: an integer of 1 to 2147483647");
  EXPECT_EQ(*gguf->require_strings("strings"), (std::vector<std::string_view>{"x", ""}));
  EXPECT_EQ(*gguf->require_floats("floats"), (std::vector<float>{1.5f, -2.5f}));
  EXPECT_EQ(*gguf->require_ints("bytes"), (std::vector<int64_t>{'a', 'b', 'c'}));
  EXPECT_EQ(gguf->require_ints("none")->size(), 0u);
  EXPECT_FALSE(gguf->require_ints("bools").ok());
  EXPECT_EQ(gguf->byte_array("bytes")->size(), 3u);
  EXPECT_EQ(gguf->byte_array("floats"), std::nullopt);
  EXPECT_EQ(gguf->byte_array("u8"), std::nullopt);
  EXPECT_EQ(gguf->entries().size(), 18u);
  EXPECT_EQ(gguf->entries()[8].key, "a.string");
}

TEST(Gguf, TheHeaderIsChecked) {
  EXPECT_EQ(error_of(""),
            "the magic number takes 4 bytes at byte 0, needed: at most the 0 that are left; is the file cut short?");
  EXPECT_EQ(error_of("PK\3\4"), "begins with 504b0304, needed: 'GGUF'; not a GGUF file?");
  EXPECT_EQ(error_of(FakeGguf{.version = 1}.bytes(), Code::unsupported), "is of version 1, needed: 2 or 3");
  EXPECT_EQ(error_of(FakeGguf{.version = 4}.bytes(), Code::unsupported), "is of version 4, needed: 2 or 3");
  EXPECT_EQ(error_of(FakeGguf{.version = 0x03000000}.bytes(), Code::unsupported),
            "is big-endian (version 3), needed: a little-endian file");
  EXPECT_EQ(error_of(FakeGguf{.keys = 1'000'000'000}.bytes()),
            "has 1000000000 keys, needed: at most 0 in the 0 bytes left");
  EXPECT_NE(error_of(FakeGguf{.tensors = ~uint64_t{0}}.bytes()).find("has 18446744073709551615 tensors"),
            std::string::npos);
  EXPECT_TRUE(parse(FakeGguf{}.bytes()).ok());
}

TEST(Gguf, MetadataThatLiesIsAnError) {
  EXPECT_NE(error_of(FakeGguf{}.key("k", 13, std::string(8, '\0')).bytes()).find("'k' has type 13, needed: 0 to 12"),
            std::string::npos);
  EXPECT_NE(error_of(FakeGguf{}.key("k", 8, raw(uint64_t{5}) + "abc").bytes()).find("'k' takes 5 bytes"),
            std::string::npos);
  EXPECT_NE(error_of(FakeGguf{}.key("k", 8, raw(~uint64_t{0})).bytes()).find("'k' takes 18446744073709551615 bytes"),
            std::string::npos);
  EXPECT_EQ(error_of(FakeGguf{}.array("k", 8, 1'000'000'000, FakeGguf::text("a")).bytes()),
            "'k' has 1000000000 elements of type string, needed: at most the 1 that the 9 bytes left can hold");
  EXPECT_NE(error_of(FakeGguf{}.array("k", 10, uint64_t{1} << 61, "12345678").bytes()).find("elements of type u64"),
            std::string::npos);
  EXPECT_NE(error_of(FakeGguf{}.array("k", 8, 2, FakeGguf::text("a") + raw(uint64_t{9})).bytes()).find("'k' takes 9"),
            std::string::npos);
  EXPECT_NE(
      error_of(FakeGguf{}.array("k", 9, 1, std::string(12, '\0')).bytes(), Code::unsupported).find("array of arrays"),
      std::string::npos);
  EXPECT_EQ(error_of(FakeGguf{}.u32("k", 1).u32("j", 1).u32("k", 1).bytes()),
            "key 'k' is there twice, needed: each key once");
  EXPECT_EQ(error_of(FakeGguf{}.u32("", 1).bytes()), "key 0 has 0 bytes, needed: 1 to 65535");
  EXPECT_NE(error_of(FakeGguf{}.u32(std::string(70000, 'k'), 1).bytes()).find("70000 bytes"), std::string::npos);
  EXPECT_NE(error_of(FakeGguf{}.u32("general.alignment", 24).bytes()).find("24, needed: a power of two"),
            std::string::npos);
  EXPECT_NE(error_of(FakeGguf{}.u32("general.alignment", 0).bytes()).find("general.alignment is 0"), std::string::npos);
  EXPECT_EQ(error_of(FakeGguf{}.u32("split.count", 3).bytes(), Code::unsupported),
            "is one of 3 parts, needed: a model in one file");
}

std::string tensor_error(std::initializer_list<uint64_t> dims, uint32_t type, uint64_t offset,
                         Code code = Code::corrupt) {
  FakeGguf file;
  file.tensor("w", dims, type, offset);
  file.data = std::string(64, 'x');
  return error_of(file.bytes(), code);
}

TEST(Gguf, TensorsThatLieAreErrors) {
  EXPECT_EQ(tensor_error({16}, 99, 0, Code::unsupported),
            "tensor 'w' has type 99, needed: a type of GGUF that is in use");
  EXPECT_EQ(tensor_error({1, 1, 1, 1, 1}, kF32, 0), "tensor 'w' has 5 dimensions, needed: at most 4");
  EXPECT_EQ(tensor_error({17}, kF32, 0),
            "tensor 'w' takes 68 bytes at 0 of the data, needed: within its 64; is the file cut short?");
  EXPECT_EQ(tensor_error({1}, kF32, 64),
            "tensor 'w' takes 4 bytes at 64 of the data, needed: within its 64; is the file cut short?");
  EXPECT_EQ(tensor_error({1}, kF32, 8), "tensor 'w' begins at 8 of the data, needed: a multiple of 32");
  EXPECT_NE(tensor_error({1}, kF32, ~uint64_t{31}).find("within its 64"), std::string::npos);
  EXPECT_EQ(tensor_error({3, 32}, kQ8_0, 0),
            "tensor 'w' has shape [32, 3], needed: rows of whole blocks of 32 and fewer than 2^63 bytes of Q8_0");
  EXPECT_NE(tensor_error({128}, kQ4_K, 0).find("blocks of 256"), std::string::npos);
  EXPECT_NE(tensor_error({uint64_t{1} << 32, uint64_t{1} << 31}, kF32, 0).find("2^63"), std::string::npos);
  EXPECT_NE(tensor_error({uint64_t{1} << 63}, kF32, 0).find("dimension of 9223372036854775808"), std::string::npos);

  FakeGguf twice;
  twice.tensor("w", {8}, kF32, 0).tensor("w", {8}, kF32, 32).data = std::string(64, 'x');
  EXPECT_EQ(error_of(twice.bytes()), "tensor 'w' is there twice, needed: each name once");
  FakeGguf overlap;
  overlap.tensor("b", {8}, kF32, 32).tensor("a", {9}, kF32, 0).data = std::string(64, 'x');
  EXPECT_EQ(error_of(overlap.bytes()),
            "tensor 'b' begins at 32 of the data, needed: at least 36, where tensor 'a' ends");
}

TEST(Gguf, TheAlignmentIsTheFiles) {
  FakeGguf file{.alignment = 256};
  file.u32("general.alignment", 256).tensor("w", {1}, kF32, 0).tensor("v", {1}, kF32, 256);
  file.data = "ABCD" + std::string(252, '\0') + "EFGH";
  const std::string bytes = file.bytes();
  const auto gguf = parse(bytes);
  ASSERT_TRUE(gguf.ok()) << gguf.status().message();
  EXPECT_EQ(std::memcmp(gguf->tensors().find("v")->bytes.data(), "EFGH", 4), 0);
}

TEST(Gguf, RealVocabularies) {
  struct Vocabulary {
    const char *name, *architecture, *model;
    size_t tokens;
  };
  const Vocabulary vocabularies[] = {
      {"bert-bge", "bert", "bert", 30522}, {"gpt-2", "gpt2", "gpt2", 50257}, {"llama-spm", "llama", "llama", 32000}};
  if (!std::filesystem::exists(test_data("vectors"))) GTEST_SKIP() << "no " << test_data("vectors");
  for (const Vocabulary& vocabulary : vocabularies) {
    const auto gguf = open_gguf(test_data(std::string("vectors/ggml-vocab-") + vocabulary.name + ".gguf"));
    ASSERT_TRUE(gguf.ok()) << gguf.status().message();
    EXPECT_EQ(*gguf->content.require_string("general.architecture"), vocabulary.architecture);
    EXPECT_EQ(*gguf->content.require_string("tokenizer.ggml.model"), vocabulary.model);
    const auto tokens = gguf->content.require_strings("tokenizer.ggml.tokens");
    ASSERT_TRUE(tokens.ok()) << tokens.status().message();
    EXPECT_EQ(tokens->size(), vocabulary.tokens);
    EXPECT_EQ(gguf->content.require_ints("tokenizer.ggml.token_type")->size(), vocabulary.tokens);
  }
}

}  // namespace
}  // namespace lathe
