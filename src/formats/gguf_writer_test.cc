// What is written is what the reader of GGUF reads.
#include "formats/gguf_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>

#include "base/test_files.h"

namespace lathe {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

TEST(GgufWriter, EveryTypeOfValueIsReadBack) {
  GgufMetadata metadata;
  metadata.add("u8", uint8_t{200});
  metadata.add("i8", int8_t{-2});
  metadata.add("u16", uint16_t{60000});
  metadata.add("i16", int16_t{-3});
  metadata.add("u32", uint32_t{4'000'000'000});
  metadata.add("i32", int32_t{-5});
  metadata.add("u64", uint64_t{1} << 40);
  metadata.add("i64", int64_t{-1} << 40);
  metadata.add("f32", 0.1f);
  metadata.add("f64", 0.25);
  metadata.add("bool", true);
  metadata.add("text", "a text");
  const std::string_view texts[] = {"x", "", "long enough"};
  metadata.add_array("texts", std::span<const std::string_view>(texts));
  const float floats[] = {1.5f, -2.5f};
  metadata.add_array("floats", std::span<const float>(floats));
  const uint8_t flags[] = {1, 0, 1};
  metadata.add_flags("flags", flags);
  metadata.add_array("none", std::span<const int32_t>());

  const FakeFolder folder("gguf_writer");
  auto writer = GgufWriter::create(folder.path("f.gguf"), metadata, {});
  ASSERT_TRUE(writer.ok()) << writer.status().message();
  ASSERT_TRUE(writer->commit().ok());
  const auto back = open_gguf(folder.path("f.gguf"));
  ASSERT_TRUE(back.ok()) << back.status().message();
  const Gguf& gguf = back->content;
  EXPECT_EQ(gguf.version(), 3u);
  const auto integer = [&gguf](std::string_view key) { return *gguf.require_int(key, IntRange{}); };
  EXPECT_EQ(integer("u8"), 200);
  EXPECT_EQ(integer("i8"), -2);
  EXPECT_EQ(integer("u16"), 60000);
  EXPECT_EQ(integer("i16"), -3);
  EXPECT_EQ(integer("u32"), 4'000'000'000);
  EXPECT_EQ(integer("i32"), -5);
  EXPECT_EQ(integer("u64"), int64_t{1} << 40);
  EXPECT_EQ(integer("i64"), int64_t{-1} << 40);
  EXPECT_EQ(*gguf.require_float("f32"), double{0.1f});
  EXPECT_EQ(*gguf.require_float("f64"), 0.25);
  EXPECT_TRUE(*gguf.require_bool("bool"));
  EXPECT_EQ(*gguf.require_string("text"), "a text");
  EXPECT_EQ(*gguf.require_strings("texts"), (std::vector<std::string_view>{"x", "", "long enough"}));
  EXPECT_EQ(*gguf.require_floats("floats"), (std::vector<float>{1.5f, -2.5f}));
  EXPECT_EQ(gguf.find("flags")->element, GgufType::boolean);
  EXPECT_EQ(gguf.find("flags")->count, 3u);
  EXPECT_EQ(gguf.require_ints("none")->size(), 0u);

  GgufMetadata copied;  // entry by entry, as from another file
  for (const GgufEntry& entry : gguf.entries()) copied.add(entry);
  EXPECT_EQ(copied.count(), metadata.count());
  EXPECT_EQ(copied.bytes(), metadata.bytes());
}

TEST(GgufWriter, TensorsLieAlignedAndInTheirShape) {
  const FakeFolder folder("gguf_writer");
  const std::vector<TensorView> tensors = {{"a", DType::q8_0, {3, 32}, {}},
                                           {"nothing", DType::f32, {0, 4}, {}},
                                           {"b", DType::f32, {2}, {}},
                                           {"c", DType::f16, {1, 2, 3}, {}},
                                           {"nothing at the end", DType::f32, {0}, {}}};
  GgufMetadata metadata;
  metadata.add("general.architecture", "test");
  auto writer = GgufWriter::create(folder.path("f.gguf"), metadata, tensors);
  ASSERT_TRUE(writer.ok()) << writer.status().message();
  const std::string a(102, 'a'), b(8, 'b'), c(12, 'c');
  ASSERT_TRUE(writer->write(bytes_of(a.substr(0, 50))).ok());
  ASSERT_TRUE(writer->write(bytes_of(a.substr(50))).ok());
  ASSERT_TRUE(writer->write(bytes_of(b)).ok());
  EXPECT_FALSE(std::filesystem::exists(folder.path("f.gguf")));
  ASSERT_TRUE(writer->write(bytes_of(c)).ok());
  const int64_t announced = writer->file_bytes();
  ASSERT_TRUE(writer->commit().ok());
  EXPECT_EQ(static_cast<int64_t>(std::filesystem::file_size(folder.path("f.gguf"))), announced);
  const auto back = open_gguf(folder.path("f.gguf"));
  ASSERT_TRUE(back.ok()) << back.status().message();
  ASSERT_EQ(back->content.tensors().all().size(), tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& found = back->content.tensors().all()[i];
    EXPECT_EQ(found.name, tensors[i].name);
    EXPECT_EQ(found.dtype, tensors[i].dtype);
    EXPECT_EQ(found.shape, tensors[i].shape);
    if (found.bytes.empty()) continue;
    EXPECT_EQ(std::memcmp(found.bytes.data(),
                          (found.name == "a"   ? a
                           : found.name == "b" ? b
                                               : c)
                              .data(),
                          found.bytes.size()),
              0);
  }
}

std::string refusal(const std::vector<TensorView>& tensors) {
  const FakeFolder folder("gguf_writer");
  const auto writer = GgufWriter::create(folder.path("f.gguf"), GgufMetadata(), tensors);
  EXPECT_FALSE(writer.ok());
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  return writer.status().message();
}

TEST(GgufWriter, WhatTheFormatCannotHoldIsASentence) {
  EXPECT_NE(refusal({{"w", DType::u8, {4}, {}}}).find("tensor 'w' is of type U8, needed: a type that GGUF has"),
            std::string::npos);
  EXPECT_NE(refusal({{"w", DType::f32, {4}, {}}, {"w", DType::f32, {4}, {}}}).find("'w' is there twice"),
            std::string::npos);
  EXPECT_NE(refusal({{"w", DType::f32, {1, 1, 1, 1, 1}, {}}}).find("[1, 1, 1, 1, 1], needed: at most 4 dimensions"),
            std::string::npos);
  EXPECT_NE(refusal({{"w", DType::q4_k, {2, 128}, {}}}).find("whole blocks of 256"), std::string::npos);
  EXPECT_NE(refusal({{std::string(64, 'w'), DType::f32, {1}, {}}}).find("has 64 bytes, needed: 1 to 63"),
            std::string::npos);
  constexpr int64_t kHuge = std::numeric_limits<int64_t>::max() / 4;
  EXPECT_NE(refusal({{"v", DType::f32, {kHuge}, {}}, {"w", DType::f32, {kHuge}, {}}}).find("fewer than 2^63 bytes"),
            std::string::npos);
}

TEST(GgufWriter, WhatIsNotCompleteIsNotThere) {
  const FakeFolder folder("gguf_writer");
  const std::vector<TensorView> tensors = {{"a", DType::f32, {2}, {}}, {"b", DType::f32, {2}, {}}};
  {
    auto writer = GgufWriter::create(folder.path("f.gguf"), GgufMetadata(), tensors);
    ASSERT_TRUE(writer.ok());
    EXPECT_FALSE(writer->write(bytes_of(std::string(12, 'x'))).ok());  // beyond its end
    ASSERT_TRUE(writer->write(bytes_of(std::string(8, 'x'))).ok());
    EXPECT_NE(writer->commit().message().find("1 of 2 tensors are written"), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  EXPECT_EQ(GgufWriter::create(folder.path("no/f.gguf"), GgufMetadata(), tensors).status().code(), Code::io);
}

}  // namespace
}  // namespace lathe
