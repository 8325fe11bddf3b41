#include "run/embedder.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/test_files.h"
#include "formats/fake_bytes.h"
#include "models/test_bert.h"

namespace lathe::run {
namespace {

constexpr std::string_view kConfig = R"({"model_type": "bert", "hidden_size": 48, "num_hidden_layers": 2,
  "num_attention_heads": 4, "intermediate_size": 80, "vocab_size": 60, "max_position_embeddings": 90,
  "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"})";

// A model's folder as Hugging Face lays it out, with a vocabulary of a few words.
struct ModelFolder {
  FakeFolder folder;

  explicit ModelFolder(const std::string& name) : folder(name) {
    const models::testing::TestBert bert;
    std::string header = "{", data;
    for (const TensorView& view : bert.views) {
      header += (header.size() > 1 ? ", \"" : "\"") + view.name + R"(": {"dtype": "F32", "shape": )" +
                view.shape.text() + ", \"data_offsets\": [" + std::to_string(data.size()) + ", ";
      data.append(reinterpret_cast<const char*>(view.bytes.data()), view.bytes.size());
      header += std::to_string(data.size()) + "]}";
    }
    folder.write("model.safetensors", safetensors_bytes(header + "}", data));
    folder.write("config.json", kConfig);
    folder.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\none\ntwo\nthree\nfour\n##s\n");
  }
  EmbedderOptions options() const { return {.model = folder.path(), .threads = 2}; }
};

struct Taken {
  std::vector<std::vector<float>> vectors;
  std::vector<int64_t> tokens;
  std::vector<bool> truncated;
};

Taken embed(const EmbedderOptions& options, const std::vector<std::string>& texts) {
  auto embedder = Embedder::open(options);
  EXPECT_TRUE(embedder.ok()) << embedder.status().message();
  Taken taken;
  if (!embedder.ok()) return taken;
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const Status status = embedder->embed(views, [&](const Embedding& e) {
    EXPECT_TRUE(e.status.ok()) << e.status.message();
    EXPECT_EQ(e.index, static_cast<int64_t>(taken.vectors.size()));
    taken.vectors.emplace_back(e.vector.begin(), e.vector.end());
    taken.tokens.push_back(e.tokens);
    taken.truncated.push_back(e.truncated);
    return Status();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  return taken;
}

double length(const std::vector<float>& x) {
  double squares = 0;
  for (const float v : x) squares += double{v} * v;
  return std::sqrt(squares);
}

std::vector<std::string> texts() {
  std::string lengthy;
  for (int i = 0; i < 100; ++i) lengthy += "one twos ";
  return {"one", "", "two three four ones", lengthy, "unknown words", "one"};
}

TEST(Embedder, BatchesAndThreadsChangeNoBit) {
  const ModelFolder model("embedder_batches");
  const Taken expected = embed(model.options(), texts());
  ASSERT_EQ(expected.vectors.size(), 6u);
  EXPECT_EQ(expected.vectors[0], expected.vectors[5]);
  for (const int64_t batch_tokens : {1, 7, 20}) {
    EmbedderOptions options = model.options();
    options.batch_tokens = batch_tokens;
    options.threads = 1;
    EXPECT_EQ(embed(options, texts()).vectors, expected.vectors) << batch_tokens;
  }
}

TEST(Embedder, CountsTokensAndSaysWhatItCut) {
  const ModelFolder model("embedder_counts");
  const Taken taken = embed(model.options(), texts());
  EXPECT_EQ(taken.tokens, (std::vector<int64_t>{3, 2, 7, 302, 4, 3}));
  EXPECT_EQ(taken.truncated, (std::vector<bool>{false, false, false, true, false, false}));
  for (const auto& vector : taken.vectors) EXPECT_NEAR(length(vector), 1.0, 1e-6);
}

TEST(Embedder, AShorterVectorIsTheFirstElementsAtLengthOne) {
  const ModelFolder model("embedder_dim");
  EmbedderOptions options = model.options();
  const Taken whole = embed(options, {"one two"});
  options.dim = 10;
  const Taken part = embed(options, {"one two"});
  ASSERT_EQ(part.vectors[0].size(), 10u);
  const double factor = length({whole.vectors[0].begin(), whole.vectors[0].begin() + 10});
  for (size_t j = 0; j < 10; ++j) EXPECT_NEAR(part.vectors[0][j], whole.vectors[0][j] / factor, 1e-6);
}

TEST(Embedder, FollowsTheFilesOfSentenceTransformersUnlessToldOtherwise) {
  const ModelFolder model("embedder_modules");
  EmbedderOptions options = model.options();
  options.pooling = Pooling::cls;
  options.normalize = false;
  const Taken asked = embed(options, {"one two"});
  model.folder.write("modules.json",
                     R"([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
  model.folder.write("1_Pooling/config.json", R"({"word_embedding_dimension": 48, "pooling_mode_cls_token": true,
    "pooling_mode_mean_tokens": false})");
  model.folder.write("sentence_bert_config.json", R"({"max_seq_length": 4})");
  const Taken taken = embed(model.options(), {"one two", "one two three"});
  EXPECT_EQ(taken.vectors[0], asked.vectors[0]);
  EXPECT_GT(std::fabs(length(taken.vectors[0]) - 1.0), 1e-3);
  EXPECT_EQ(taken.truncated, (std::vector<bool>{false, true}));
}

TEST(Embedder, SaysWhatItCannotOpen) {
  const ModelFolder model("embedder_errors");
  const auto refusal = [](const EmbedderOptions& options) { return Embedder::open(options).status().message(); };
  EmbedderOptions options = model.options();
  options.dim = 49;
  EXPECT_NE(refusal(options).find("49"), std::string::npos);
  options = model.options();
  options.stored = matmul::Type::q4_0;
  EXPECT_NE(refusal(options).find("q4_0"), std::string::npos);
  std::filesystem::remove(model.folder.path("vocab.txt"));
  EXPECT_NE(refusal(model.options()).find("tokenizer"), std::string::npos);
}

}  // namespace
}  // namespace lathe::run
