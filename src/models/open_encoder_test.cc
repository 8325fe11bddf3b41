#include "models/open_encoder.h"

#include <gtest/gtest.h>

#include <functional>

#include "base/test_files.h"
#include "formats/fake_bytes.h"
#include "models/test_bert.h"
#include "models/test_gemma.h"

namespace lathe::models {
namespace {

constexpr Pooling kMean[] = {Pooling::mean};

// Metadata by key, so that a test can leave one out or replace it, and the tensors behind them.
struct GgufModel {
  using Entry = std::pair<std::string, std::function<void(FakeGguf&, const std::string&)>>;
  std::vector<Entry> entries;
  std::vector<TensorView> tensors;

  void u32(const std::string& key, uint32_t value) {
    entries.emplace_back(key, [value](FakeGguf& file, const std::string& k) { file.u32(k, value); });
  }
  void f32(const std::string& key, float value) {
    entries.emplace_back(key, [value](FakeGguf& file, const std::string& k) { file.key(k, 6, raw(value)); });
  }
  void text(const std::string& key, const std::string& value) {
    entries.emplace_back(key, [value](FakeGguf& file, const std::string& k) { file.string(k, value); });
  }
  void tokenizer() {
    text("tokenizer.ggml.model", "bert");
    entries.emplace_back("tokenizer.ggml.tokens", [](FakeGguf& file, const std::string& key) {
      std::string all;
      for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "\u2581one"})
        all += FakeGguf::text(token);
      file.array(key, 8, 6, all);
    });
    u32("tokenizer.ggml.unknown_token_id", 1);
    u32("tokenizer.ggml.cls_token_id", 2);
    u32("tokenizer.ggml.seperator_token_id", 3);
  }
  std::string bytes(const std::string& omitted) const {
    FakeGguf file;
    for (const auto& [key, write] : entries)
      if (key != omitted) write(file, key);
    for (const TensorView& tensor : tensors) {
      const auto dim = [&](int i) { return static_cast<uint64_t>(tensor.shape[i]); };
      if (tensor.shape.rank() == 1)
        file.tensor(tensor.name, {dim(0)}, 0, file.data.size());
      else
        file.tensor(tensor.name, {dim(1), dim(0)}, 0, file.data.size());
      file.data.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
      file.data.resize((file.data.size() + 31) / 32 * 32);
    }
    return file.bytes();
  }
  Result<EncoderFiles> open(const std::string& omitted = "") const {
    const FakeFolder folder("open_encoder_gguf");
    folder.write("model.gguf", bytes(omitted));
    const auto files = resolve_model(folder.path("model.gguf"), "");
    if (!files) return files.status();
    return EncoderFiles::open(*files);
  }
};

GgufModel gguf_of(const testing::TestGemma& gemma) {
  const GemmaConfig& c = gemma.config;
  GgufModel model;
  const std::string at = "gemma-embedding.";
  const auto number = [&](const char* key, int64_t value) { model.u32(at + key, static_cast<uint32_t>(value)); };
  model.text("general.architecture", "gemma-embedding");
  number("embedding_length", c.width);
  number("block_count", c.layers);
  number("attention.head_count", c.heads);
  number("attention.head_count_kv", c.kv_heads);
  number("attention.key_length", c.head_dim);
  number("feed_forward_length", c.intermediate);
  number("context_length", c.positions);
  number("attention.sliding_window", 2 * c.window + 1);
  number("attention.sliding_window_pattern", 2);
  model.f32(at + "attention.layer_norm_rms_epsilon", c.eps);
  model.f32(at + "rope.freq_base", static_cast<float>(c.global.base));
  number("pooling_type", 1);
  model.tokenizer();
  model.tensors = gemma.views;
  return model;
}

GgufModel gguf_of(const testing::TestBert& bert) {
  const BertConfig& c = bert.config;
  GgufModel model;
  const auto number = [&](const char* key, int64_t value) {
    model.u32(std::string("bert.") + key, static_cast<uint32_t>(value));
  };
  model.text("general.architecture", "bert");
  number("embedding_length", c.width);
  number("block_count", c.layers);
  number("attention.head_count", c.heads);
  number("feed_forward_length", c.intermediate);
  number("context_length", c.positions);
  model.f32("bert.attention.layer_norm_epsilon", c.eps);
  model.tokenizer();
  const std::pair<std::string_view, std::string_view> names[] = {{"embeddings.word_embeddings", "token_embd"},
                                                                 {"embeddings.position_embeddings", "position_embd"},
                                                                 {"embeddings.token_type_embeddings", "token_types"},
                                                                 {"embeddings.LayerNorm", "token_embd_norm"},
                                                                 {"encoder.layer.", "blk."},
                                                                 {"attention.self.query", "attn_q"},
                                                                 {"attention.self.key", "attn_k"},
                                                                 {"attention.self.value", "attn_v"},
                                                                 {"attention.output.dense", "attn_output"},
                                                                 {"attention.output.LayerNorm", "attn_output_norm"},
                                                                 {"intermediate.dense", "ffn_up"},
                                                                 {"output.dense", "ffn_down"},
                                                                 {"output.LayerNorm", "layer_output_norm"}};
  for (TensorView view : bert.views) {
    for (const auto& [from, to] : names)
      if (const size_t found = view.name.find(from); found != std::string::npos)
        view.name.replace(found, from.size(), to);
    model.tensors.push_back(std::move(view));
  }
  return model;
}

// Of the model in a file, at f32, against the reference's.
template <class Reference>
void expect_vectors(const GgufModel& model, const testing::TestTexts& texts, int64_t size, const Reference& reference) {
  const auto files = model.open();
  ASSERT_TRUE(files.ok()) << files.status().message();
  const auto team = Team::create({.threads = 2});
  const auto encoder = files->bind(matmul::Type::f32, **team);
  ASSERT_TRUE(encoder.ok()) << encoder.status().message();
  ASSERT_EQ((*encoder)->vector_size(1), size);
  std::vector<float> found((texts.offsets.size() - 1) * static_cast<size_t>(size));
  const Status status =
      (*encoder)->run({.ids = texts.ids, .offsets = texts.offsets}, {.modes = kMean, .keep = size}, found.data());
  ASSERT_TRUE(status.ok()) << status.message();
  for (size_t i = 0; i + 1 < texts.offsets.size(); ++i) {
    const auto exact = reference(texts.text(i));
    for (size_t j = 0; j < exact.size(); ++j) EXPECT_NEAR(found[i * exact.size() + j], exact[j], 2e-6) << i;
  }
}

TEST(OpenEncoder, AGemmaInAGgufFileIsNearFloat64WithItsDenseModules) {
  testing::TestGemma gemma(true);
  gemma.config.global.position_scale = 1;
  gemma.config.scale = 0.25f;  // 1 / sqrt(head_dim): the format has no other
  const testing::TestTexts texts({1, 30, 90}, gemma.config.vocabulary);
  const auto plain = [&](std::span<const int32_t> ids) { return testing::TestGemma::of_length_one(gemma.mean(ids)); };
  GgufModel model = gguf_of(gemma);
  expect_vectors(model, texts, gemma.config.width, plain);

  testing::TestDense dense(gemma.config.width);
  dense.views[2].name = "dense_3.weight";
  std::vector<float> turned(static_cast<size_t>(96 * gemma.config.width), 0.0f);
  for (size_t j = 0; j < 96; ++j) turned[j * 64 + (j * 7) % 64] = 1.0f;  // rows of one element each
  model.tensors.push_back({"dense_2.weight", DType::f32, {96, 64}, std::as_bytes(std::span<const float>(turned))});
  model.tensors.push_back(dense.views[2]);
  expect_vectors(model, texts, 40, [&](std::span<const int32_t> ids) {
    const auto mean = gemma.mean(ids);
    std::vector<double> y(40, 0.0);
    for (size_t j = 0; j < 40; ++j)
      for (size_t k = 0; k < 96; ++k) y[j] += mean[(k * 7) % 64] * double{dense.second[j * 96 + k]};
    return testing::TestGemma::of_length_one(y);
  });
}

TEST(OpenEncoder, ABertInAGgufFileIsNearFloat64) {
  const testing::TestBert bert;
  const testing::TestTexts texts({1, 30, 90}, bert.config.vocabulary);
  expect_vectors(gguf_of(bert), texts, bert.config.width,
                 [&](std::span<const int32_t> ids) { return bert.embed(ids); });
}

TEST(OpenEncoder, TheFilesTokenizerAndPoolingAreTaken) {
  const testing::TestBert bert;
  GgufModel model = gguf_of(bert);
  model.u32("bert.pooling_type", 2);
  const auto files = model.open();
  ASSERT_TRUE(files.ok()) << files.status().message();
  EXPECT_EQ(files->extras()->pooling, (std::vector<Pooling>{Pooling::cls}));
  EXPECT_TRUE(files->extras()->normalize);
  const auto tokenizer = files->tokenizer();
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  EXPECT_EQ(tokenizer->encode("one")->ids, (std::vector<int32_t>{2, 5, 3}));
}

TEST(OpenEncoder, AGemmaWithoutPromptsHasThoseOfItsModelCard) {
  const auto gemma = gguf_of(testing::TestGemma(true)).open();
  ASSERT_TRUE(gemma.ok()) << gemma.status().message();
  const auto& prompts = gemma->extras()->prompts;
  ASSERT_EQ(prompts.size(), 8u);
  EXPECT_EQ(prompts[0], std::pair(std::string("query"), std::string("task: search result | query: ")));
  EXPECT_EQ(prompts[1], std::pair(std::string("document"), std::string("title: none | text: ")));
  EXPECT_FALSE(gemma->extras()->default_prompt);
  const auto bert = gguf_of(testing::TestBert()).open();
  ASSERT_TRUE(bert.ok());
  EXPECT_TRUE(bert->extras()->prompts.empty());
}

TEST(OpenEncoder, WhatIsMissingInAGgufFileIsNamed) {
  const testing::TestGemma gemma(true);
  const testing::TestBert bert;
  for (const GgufModel& model : {gguf_of(gemma), gguf_of(bert)})
    for (const auto& [key, write] : model.entries) {
      const bool optional = key.starts_with("tokenizer.") || key.ends_with("pooling_type") || key.ends_with("_pattern");
      const auto files = model.open(key);
      ASSERT_EQ(files.ok(), optional) << key;
      const std::string message = files.status().message();
      EXPECT_TRUE(optional || message.find(key) != std::string::npos) << message;
    }
  GgufModel other = gguf_of(bert);
  other.entries.erase(other.entries.begin());
  other.text("general.architecture", "nomic-bert");
  EXPECT_NE(other.open().status().message().find("'nomic-bert'"), std::string::npos);
  other = gguf_of(bert);
  other.u32("bert.pooling_type", 4);
  EXPECT_NE(other.open().status().message().find("pooling_type is 4"), std::string::npos);
  other = gguf_of(bert);
  std::erase_if(other.tensors, [](const TensorView& v) { return v.name == "blk.1.ffn_down.bias"; });
  const auto files = other.open();
  ASSERT_TRUE(files.ok()) << files.status().message();
  const auto team = Team::create({.threads = 1});
  EXPECT_NE(files->bind(matmul::Type::f32, **team).status().message().find("blk.1.ffn_down.bias"), std::string::npos);
}

}  // namespace
}  // namespace lathe::models
