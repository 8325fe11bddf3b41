// A decoder through GGUF and back: what is bound from each kind of file computes the same.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/test_files.h"
#include "formats/fake_bytes.h"
#include "formats/gguf.h"
#include "models/open_decoder.h"
#include "models/test_decoder.h"
#include "run/hf_folder.h"
#include "run/quantize.h"

namespace lathe::run {
namespace {

using models::testing::TestDecoder;

// What models::testing::small_decoder has, as config.json says it.
std::string config_of(const std::string& family) {
  const std::string sizes = R"("hidden_size": 48, "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 16,
    "intermediate_size": 80, "vocab_size": 70, "max_position_embeddings": 400, "num_hidden_layers": 3, )";
  if (family == "llama")
    return "{" + sizes + R"("model_type": "llama", "rope_theta": 10000, "rope_scaling": {"rope_type": "llama3",
      "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192}})";
  if (family == "qwen2")
    return "{" + sizes + R"("model_type": "qwen2", "rope_theta": 10000, "tie_word_embeddings": true, "rope_scaling":
      {"type": "yarn", "factor": 4, "original_max_position_embeddings": 64}})";
  if (family == "qwen3") return "{" + sizes + R"("model_type": "qwen3", "rope_theta": 10000})";
  if (family == "smollm3")
    return "{" + sizes + R"("model_type": "smollm3", "rope_theta": 10000, "attention_bias": true,
      "tie_word_embeddings": false, "pad_token_id": 0})";
  return "{" + sizes + R"("model_type": "gemma3_text", "rope_theta": 10000, "rope_local_base_freq": 500,
    "rope_scaling": {"rope_type": "linear", "factor": 2}, "sliding_window": 21, "query_pre_attn_scalar": 16,
    "layer_types": ["sliding_attention", "full_attention", "sliding_attention"]})";
}

void write_folder(const FakeFolder& folder, const std::string& family) {
  const TestDecoder decoder(family);
  std::string header = "{", data;
  const TensorTable table = decoder.table();
  for (const TensorView& view : table.all()) {
    header += (header.size() > 1 ? ", \"" : "\"") + view.name + R"(": {"dtype": "F32", "shape": )" + view.shape.text() +
              ", \"data_offsets\": [" + std::to_string(data.size()) + ", ";
    data.append(reinterpret_cast<const char*>(view.bytes.data()), view.bytes.size());
    header += std::to_string(data.size()) + "]}";
  }
  folder.write("hf/model.safetensors", safetensors_bytes(header + "}", data));
  folder.write("hf/config.json", config_of(family));
}

std::vector<float> logits_of(const std::string& path) {
  const auto files = resolve_model(path, "");
  EXPECT_TRUE(files.ok()) << files.status().message();
  const auto opened = files ? models::DecoderFiles::open(*files) : files.status();
  EXPECT_TRUE(opened.ok()) << opened.status().message();
  auto team = Team::create({.threads = 1});
  if (!opened || !team) return {};
  auto decoder = opened->bind(matmul::Type::f32, **team);
  EXPECT_TRUE(decoder.ok()) << decoder.status().message();
  return decoder ? models::testing::run_alone(**decoder, models::testing::random_ids(40, 70, 3), 40)
                 : std::vector<float>();
}

void expect_logits(const std::vector<float>& found, const std::vector<float>& expected, float bar) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR(found[i], expected[i], bar) << i;
}

class Export : public testing::TestWithParam<const char*> {};

TEST_P(Export, ThroughGgufAndBackTheLogitsStay) {
  const FakeFolder folder("export_" + std::string(GetParam()));
  write_folder(folder, GetParam());
  const auto expected = logits_of(folder.path("hf"));
  ASSERT_FALSE(expected.empty());

  const auto written = quantize({.model = folder.path("hf"), .hub = {}, .output = folder.path("m.gguf"), .types = {}});
  ASSERT_TRUE(written.ok()) << written.status().message();
  const std::string family = GetParam();
  // Pairs side by side are summed in another order.
  expect_logits(logits_of(folder.path("m.gguf")), expected, family == "llama" || family == "smollm3" ? 1e-4f : 0);

  const auto back = write_hugging_face(
      {.model = folder.path("m.gguf"), .hub = {}, .output = folder.path("back"), .type = {}, .shard_bytes = 4096});
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_TRUE(std::filesystem::exists(folder.path("back/model.safetensors.index.json")));
  // Gemma's norms lose their last bit on the way through 1 + w.
  expect_logits(logits_of(folder.path("back")), expected, family == "gemma3" ? 1e-4f : 0);
}
INSTANTIATE_TEST_SUITE_P(Families, Export, testing::ValuesIn(models::testing::kFamilies));

Result<ExportReport> quantized(const FakeFolder& folder, const QuantizeTypes& types, const std::string& from = "hf") {
  return quantize({.model = folder.path(from), .hub = {}, .output = folder.path("q.gguf"), .types = types});
}

TEST(Quantize, MatricesChangeAndVectorsDoNot) {
  const FakeFolder folder("quantize");
  write_folder(folder, "qwen3");
  const auto report = quantized(folder, {.type = DType::f16});
  ASSERT_TRUE(report.ok()) << report.status().message();
  const auto file = open_gguf(folder.path("q.gguf"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  for (const TensorView& tensor : file->content.tensors().all())
    EXPECT_EQ(tensor.dtype, tensor.shape.rank() == 2 ? DType::f16 : DType::f32) << tensor.name;
  EXPECT_EQ(*file->content.require_int("general.file_type"), 1);
  EXPECT_EQ(*file->content.require_string("general.architecture"), "qwen3");
}

TEST(Quantize, RowsThatAreNoWholeBlocksFallBackWithANote) {
  const FakeFolder folder("quantize_rows");
  write_folder(folder, "llama");  // rows of 48, 80 and 96
  const auto report = quantized(folder, {.type = DType::q4_k});
  ASSERT_TRUE(report.ok()) << report.status().message();
  const auto file = open_gguf(folder.path("q.gguf"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->content.tensors().find("blk.0.attn_output.weight")->dtype, DType::q8_0);
  EXPECT_EQ(file->content.tensors().find("blk.0.ffn_up.weight")->dtype, DType::f16);
  std::string notes;
  for (const std::string& note : report->notes) notes += note + "\n";
  EXPECT_NE(notes.find("became Q8_0"), std::string::npos) << notes;
  EXPECT_NE(notes.find("became F16"), std::string::npos) << notes;
}

TEST(Quantize, HeadAndWordsMayBeOfTheirOwnType) {
  const FakeFolder folder("quantize_head");
  write_folder(folder, "qwen3");
  ASSERT_TRUE(quantized(folder, {.type = DType::f16, .output = DType::f32, .embedding = DType::bf16}).ok());
  const auto file = open_gguf(folder.path("q.gguf"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file->content.tensors().find("output.weight")->dtype, DType::f32);
  EXPECT_EQ(file->content.tensors().find("token_embd.weight")->dtype, DType::bf16);
  EXPECT_EQ(file->content.tensors().find("blk.0.attn_q.weight")->dtype, DType::f16);
}

TEST(Quantize, AGgufFileKeepsWhatItSays) {
  const FakeFolder folder("quantize_gguf");
  FakeGguf fake;
  fake.string("general.architecture", "unheard").u32("unheard.block_count", 2).u32("general.file_type", 0);
  fake.array("some.words", 8, 2, FakeGguf::text("a") + FakeGguf::text("bc"));
  fake.tensor("w.weight", {32, 2}, 0, 0).tensor("counts", {4}, 26, 256);
  for (int i = 0; i < 64; ++i) fake.data += raw(static_cast<float>(i));
  fake.data += raw(int32_t{1}) + raw(int32_t{2}) + raw(int32_t{3}) + raw(int32_t{4}) + std::string(16, '\0');
  folder.write("in.gguf", fake.bytes());
  const auto report = quantized(folder, {.type = DType::q8_0}, "in.gguf");
  ASSERT_TRUE(report.ok()) << report.status().message();
  const auto file = open_gguf(folder.path("q.gguf"));
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(*file->content.require_strings("some.words"), (std::vector<std::string_view>{"a", "bc"}));
  EXPECT_EQ(*file->content.require_int("general.file_type"), 7);
  EXPECT_EQ(file->content.tensors().find("w.weight")->dtype, DType::q8_0);
  EXPECT_EQ(file->content.tensors().find("counts")->dtype, DType::i32);  // whole numbers stay
  // In place: the mapped file is whole until the new one has its name.
  ASSERT_TRUE(
      quantize(
          {.model = folder.path("q.gguf"), .hub = {}, .output = folder.path("q.gguf"), .types = {.type = DType::f32}})
          .ok());
  EXPECT_EQ(open_gguf(folder.path("q.gguf"))->content.tensors().find("w.weight")->dtype, DType::f32);
}

TEST(Quantize, WhatCannotBeDoneIsASentenceAndLeavesNothing) {
  const FakeFolder folder("quantize_wrong");
  FakeGguf fake;
  fake.tensor("w.weight", {32}, 0, 0).tensor("v.weight", {32, 1}, 0, 128);
  for (int i = 0; i < 64; ++i) fake.data += raw(i == 40 ? 1e30f : 1.0f);
  folder.write("in.gguf", fake.bytes());
  const auto large = quantized(folder, {.type = DType::q4_0}, "in.gguf");
  EXPECT_NE(large.status().message().find("tensor 'v.weight' has a value in row 0 that Q4_0 cannot hold"),
            std::string::npos)
      << large.status().message();
  EXPECT_FALSE(std::filesystem::exists(folder.path("q.gguf")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_EQ(quantized(folder, {.type = DType::iq4_nl}, "in.gguf").status().code(), Code::invalid_argument);
  EXPECT_EQ(quantized(folder, {.type = DType::q8_0, .mixed = true}, "in.gguf").status().code(), Code::invalid_argument);
  EXPECT_EQ(quantized(folder, {.type = DType::q8_0}, "gone").status().code(), Code::not_found);
  const auto occupied =
      write_hugging_face({.model = folder.path("in.gguf"), .hub = {}, .output = folder.path(), .type = {}});
  EXPECT_NE(occupied.status().message().find("needed: "), std::string::npos) << occupied.status().message();
  EXPECT_TRUE(std::filesystem::exists(folder.path("in.gguf")));
}

TEST(Quantize, WhatGgufHasNoWordsForIsRefused) {
  const auto refusal = [](const std::string& family, const std::string& from, const std::string& to) {
    const FakeFolder folder("quantize_words");
    write_folder(folder, family);
    std::string config = config_of(family);
    config.replace(config.find(from), from.size(), to);
    folder.write("hf/config.json", config);
    const auto report = quantized(folder, {});
    EXPECT_FALSE(report.ok());
    return report.status().message();
  };
  EXPECT_NE(refusal("gemma3", "\"query_pre_attn_scalar\": 16", "\"query_pre_attn_scalar\": 24").find("24"),
            std::string::npos);
  EXPECT_NE(refusal("qwen3", "{", R"({"hidden_act": "gelu_pytorch_tanh", )").find("needed for GGUF"),
            std::string::npos);
  EXPECT_NE(refusal("smollm3", "{", R"({"no_rope_layers": [1, 0, 1], )").find("layer 1"), std::string::npos);
  EXPECT_NE(refusal("qwen3", "\"hidden_size\": 48", "\"hidden_size\": 64").find("embed_tokens"), std::string::npos);
}

}  // namespace
}  // namespace lathe::run
