// Small valid files with every region cut, flipped and overwritten, a few thousand times: each answer is a Status or
// tensors that lie within the file. Means most under AddressSanitizer.
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <string>

#include "formats/fake_bytes.h"
#include "formats/gguf.h"
#include "formats/hf_config.h"
#include "formats/safetensors.h"
#include "formats/safetensors_index.h"

namespace lathe {
namespace {

void expect_within(std::span<const TensorView> tensors, std::span<const std::byte> bytes) {
  for (const TensorView& tensor : tensors) {
    ASSERT_EQ(tensor_bytes(tensor.dtype, tensor.shape), static_cast<int64_t>(tensor.bytes.size()));
    if (tensor.bytes.empty()) continue;
    ASSERT_GE(tensor.bytes.data(), bytes.data());
    ASSERT_LE(tensor.bytes.data() + tensor.bytes.size(), bytes.data() + bytes.size());
  }
}

void expect_sentence(const Status& status) {
  ASSERT_EQ(status.message().substr(0, 3), "f: ");
  ASSERT_LT(status.message().size(), 600u);
}

// True where the reader took the bytes.
using Reader = std::function<bool(const std::string&)>;

bool read_as_safetensors(const std::string& bytes) {
  const auto content = parse_safetensors(as_bytes(bytes), "f");
  if (content)
    expect_within(content->tensors, as_bytes(bytes));
  else
    expect_sentence(content.status());
  return content.ok();
}

bool read_as_gguf(const std::string& bytes) {
  const auto gguf = Gguf::parse(as_bytes(bytes), "f");
  if (!gguf) {
    expect_sentence(gguf.status());
    return false;
  }
  expect_within(gguf->tensors().all(), as_bytes(bytes));
  size_t sum = 0;  // every byte of every value is touched
  for (const GgufEntry& entry : gguf->entries()) {
    if (const auto strings = gguf->require_strings(entry.key); strings)
      for (const std::string_view text : *strings)
        for (const char c : text) sum += static_cast<size_t>(c);
    if (const auto numbers = gguf->require_floats(entry.key); numbers) sum += numbers->size();
    sum += gguf->at(entry.key).index();
  }
  return sum < ~size_t{0};
}

bool read_as_index(const std::string& bytes) {
  const auto shards = safetensors_shards(bytes, "f");
  if (!shards) expect_sentence(shards.status());
  return shards.ok();
}

bool read_as_config(const std::string& bytes) {
  const auto config = HfConfig::parse(bytes, "f");
  if (!config)
    expect_sentence(config.status());
  else if (const auto number = config->require_int("a.b"); !number)
    expect_sentence(number.status());
  return config.ok();
}

std::string mutated(std::string bytes, std::mt19937& random) {
  const auto below = [&random](size_t n) { return static_cast<size_t>(random() % n); };
  const size_t at = below(bytes.size());
  switch (random() % 5) {
    case 0:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
      break;
    case 1:
      bytes[at] = static_cast<char>(random());
      break;
    case 2:
      bytes.replace(at, std::min<size_t>(8, bytes.size() - at), 8, below(2) ? '\xff' : '\x7f');
      break;
    case 3:
      bytes.erase(at, 1 + below(8));
      break;
    default:
      bytes.insert(at, bytes.substr(below(bytes.size()), 1 + below(16)));
      break;
  }
  return bytes;
}

void mutate(const std::string& valid, const Reader& reader) {
  ASSERT_TRUE(reader(valid));
  for (size_t length = 0; length < valid.size(); ++length) reader(valid.substr(0, length));
  std::mt19937 random(7);
  int taken = 0, refused = 0;
  for (int i = 0; i < 6000 && !testing::Test::HasFatalFailure(); ++i) {
    std::string bytes = mutated(valid, random);
    if (i % 3 == 0 && !bytes.empty()) bytes = mutated(std::move(bytes), random);
    ++(reader(bytes) ? taken : refused);
  }
  EXPECT_GT(taken, 0);
  EXPECT_GT(refused, 1000);
}

TEST(Mutation, Safetensors) {
  mutate(safetensors_bytes(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                           R"("b\u00e9":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},)"
                           R"("c":{"dtype":"I64","shape":[1,1,2],"data_offsets":[26,42]}}   )",
                           std::string(42, 'd')),
         read_as_safetensors);
}

TEST(Mutation, Gguf) {
  FakeGguf file;
  file.string("general.architecture", "bert").u32("general.alignment", 32).u32("bert.block_count", 2);
  file.key("eps", 6, raw(1e-5f)).key("big", 10, raw(~uint64_t{0})).key("flag", 7, "\1");
  file.array("tokens", 8, 3, FakeGguf::text("a") + FakeGguf::text("") + FakeGguf::text("ccc"));
  file.array("scores", 6, 2, raw(0.5f) + raw(-1.0f)).array("bytes", 0, 4, "abcd");
  file.tensor("w", {32, 2}, 8, 0).tensor("k", {256}, 14, 96).tensor("b", {3}, 0, 320);
  file.data = std::string(332, 'd');
  mutate(file.bytes(), read_as_gguf);
}

TEST(Mutation, Index) {
  mutate(R"({"metadata":{"total_size":5},"weight_map":{"a":"x-1.safetensors","b":"x-2.safetensors"}})", read_as_index);
}

TEST(Mutation, Config) {
  mutate(R"({"a":{"b":3,"c":[1,2.5e3,"x\u00e9",null,true]},"model_type":"bert","layers":["x","y"]})", read_as_config);
}

}  // namespace
}  // namespace lathe
