// What is written is what the reader of safetensors reads: one file, and shards with their index.
#include "formats/safetensors_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>

#include "base/test_files.h"

namespace lathe {
namespace {

const std::vector<TensorView> kTensors = {{"model.a", DType::f32, {2, 3}, {}},
                                          {"model.\"quoted\"", DType::bf16, {5}, {}},
                                          {"nothing", DType::f16, {0, 7}, {}},
                                          {"model.c", DType::f32, {4}, {}}};

std::string value_of(size_t i) {
  return std::string(static_cast<size_t>(*tensor_bytes(kTensors[i].dtype, kTensors[i].shape)),
                     static_cast<char>('a' + i));
}

Status write_all_to(const std::string& folder, int64_t shard_bytes) {
  auto writer = SafetensorsWriter::create(folder, kTensors, {.shard_bytes = shard_bytes});
  if (!writer) return writer.status();
  for (size_t i = 0; i < kTensors.size(); ++i) {
    const std::string value = value_of(i);
    if (value.empty()) continue;
    const auto bytes = std::as_bytes(std::span(value));
    if (Status status = writer->write(bytes.first(2)); !status.ok()) return status;
    if (Status status = writer->write(bytes.subspan(2)); !status.ok()) return status;
  }
  return writer->commit();
}

void expect_all(const std::string& folder) {
  const auto back = open_safetensors(folder);
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->metadata.at("format"), "pt");
  ASSERT_EQ(back->tensors.all().size(), kTensors.size());
  for (size_t i = 0; i < kTensors.size(); ++i) {
    const TensorView* found = back->tensors.find(kTensors[i].name);
    ASSERT_NE(found, nullptr) << kTensors[i].name;
    EXPECT_EQ(found->dtype, kTensors[i].dtype);
    EXPECT_EQ(found->shape, kTensors[i].shape);
    const std::string value = value_of(i);
    ASSERT_EQ(found->bytes.size(), value.size());
    EXPECT_EQ(std::memcmp(found->bytes.data(), value.data(), value.size()), 0) << kTensors[i].name;
  }
}

TEST(SafetensorsWriter, OneFile) {
  const FakeFolder folder("safetensors_writer");
  const Status status = write_all_to(folder.path(), kShardBytes);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  expect_all(folder.path());
}

TEST(SafetensorsWriter, ShardsWithTheirIndex) {
  const FakeFolder folder("safetensors_writer");
  const Status status = write_all_to(folder.path(), 34);  // the first two fill one
  ASSERT_TRUE(status.ok()) << status.message();
  for (const char* name :
       {"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"})
    EXPECT_TRUE(std::filesystem::exists(folder.path(name))) << name;
  expect_all(folder.path());
}

TEST(SafetensorsWriter, ATensorLargerThanAShardHasOneForItself) {
  const FakeFolder folder("safetensors_writer");
  ASSERT_TRUE(write_all_to(folder.path(), 1).ok());
  EXPECT_TRUE(std::filesystem::exists(folder.path("model-00003-of-00003.safetensors")));
  expect_all(folder.path());
}

TEST(SafetensorsWriter, WhatIsNotCompleteIsNotThere) {
  const FakeFolder folder("safetensors_writer");
  {
    auto writer = SafetensorsWriter::create(folder.path(), kTensors, {});
    ASSERT_TRUE(writer.ok());
    const std::string value = value_of(0);
    ASSERT_TRUE(writer->write(std::as_bytes(std::span(value))).ok());
    EXPECT_FALSE(writer->write(std::as_bytes(std::span(value))).ok());  // more than the second has
    EXPECT_NE(writer->commit().message().find("1 of 4 tensors are written"), std::string::npos);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(SafetensorsWriter, WhatTheFormatCannotHoldIsASentence) {
  const FakeFolder folder("safetensors_writer");
  const auto refusal = [&](const TensorView& tensor) {
    const TensorView list[] = {tensor};
    return SafetensorsWriter::create(folder.path(), list, {}).status().message();
  };
  EXPECT_NE(refusal({"w", DType::q8_0, {32}, {}}).find("tensor 'w' is of type Q8_0, needed: a plain type"),
            std::string::npos);
  EXPECT_NE(refusal({"__metadata__", DType::f32, {1}, {}}).find("a name other than"), std::string::npos);
  const TensorView twice[] = {kTensors[0], kTensors[0]};
  EXPECT_NE(SafetensorsWriter::create(folder.path(), twice, {}).status().message().find("there twice"),
            std::string::npos);
}

}  // namespace
}  // namespace lathe
