#include "run/embedder.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/test_files.h"
#include "formats/fake_bytes.h"
#include "models/test_bert.h"
#include "platform/process_memory.h"

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

TEST(Embedder, PromptsStandBeforeEveryText) {
  const ModelFolder model("embedder_prompts");
  model.folder.write("modules.json",
                     R"([{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])");
  model.folder.write("1_Pooling/config.json", R"({"word_embedding_dimension": 48, "pooling_mode_mean_tokens": true})");
  model.folder.write("config_sentence_transformers.json",
                     R"({"prompts": {"query": "two ", "document": "three "}, "default_prompt_name": "document"})");
  EmbedderOptions options = model.options();
  options.prompt = "";
  const Taken plain = embed(options, {"two one", "three one"});
  options.prompt = "two ";
  EXPECT_EQ(embed(options, {"one"}).vectors[0], plain.vectors[0]);
  options.prompt.reset();
  EXPECT_EQ(embed(options, {"one"}).vectors[0], plain.vectors[1]);
  auto open = Embedder::open(options);
  ASSERT_TRUE(open.ok()) << open.status().message();
  EXPECT_TRUE(open->prefer_task("query").ok());
  EXPECT_EQ(open->prompt(), "two ");
  EXPECT_TRUE(open->prefer_task("clustering").ok());
  EXPECT_EQ(open->prompt(), "two ");
  options.task = "query";
  EXPECT_EQ(embed(options, {"one"}).vectors[0], plain.vectors[0]);
  options.task = "clustering";
  const std::string refusal = Embedder::open(options).status().message();
  EXPECT_NE(refusal.find("document, query"), std::string::npos) << refusal;
}

constexpr const char* kPlainModules = R"([
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}])";

// Pooled with its prompt in four ways, a text of four tokens gives away the vector of each: from those follows what it
// is without the prompt.
TEST(Embedder, AModelMayLeaveThePromptOutOfItsPooling) {
  const ModelFolder model("embedder_no_prompt");
  EmbedderOptions options = model.options();
  options.normalize = false;
  options.prompt = "two ";
  const auto pooled = [&](Pooling pooling) {
    options.pooling = pooling;
    return embed(options, {"one"}).vectors.at(0);  // [CLS] two one [SEP]
  };
  const auto first = pooled(Pooling::cls), last = pooled(Pooling::last_token), mean = pooled(Pooling::mean),
             weighted = pooled(Pooling::weighted_mean);
  model.folder.write("modules.json", kPlainModules);
  model.folder.write("1_Pooling/config.json", R"({"include_prompt": false})");
  const auto without = pooled(Pooling::mean), one = pooled(Pooling::cls), whole = pooled(Pooling::last_token);
  EXPECT_EQ(whole, last);
  for (size_t j = 0; j < without.size(); ++j) {
    const float both = 4 * mean[j] - first[j] - last[j];                       // two + one
    const float third = 10 * weighted[j] - first[j] - 4 * last[j] - 2 * both;  // one
    EXPECT_NEAR(one[j], third, 2e-5);
    EXPECT_NEAR(without[j], (third + last[j]) / 2, 2e-5);
  }
  // Without a prompt everything is pooled, and so it is in every batch.
  options.pooling = Pooling::mean;
  const Taken batch = embed(options, {"three", "one", "four four"});
  EXPECT_EQ(batch.vectors[1], without);
  options.prompt = "";
  EXPECT_EQ(embed(options, {"two one"}).vectors[0], mean);
}

TEST(Embedder, AChunkLeavesThePromptOutOfItsPoolingToo) {
  const ModelFolder model("embedder_no_prompt_chunks");
  model.folder.write("modules.json", kPlainModules);
  model.folder.write("1_Pooling/config.json", R"({"include_prompt": false})");
  EmbedderOptions options = model.options();
  options.max_tokens = 6;
  options.prompt = "four ";
  const Taken parts = embed(options, {"one two three", "three two one"});
  options.overflow = Overflow::chunk;
  const Taken whole = embed(options, {"one two three three two one"});
  for (size_t j = 0; j < whole.vectors[0].size(); ++j)
    EXPECT_NEAR(whole.vectors[0][j], (parts.vectors[0][j] + parts.vectors[1][j]) / 2, 1e-6);
}

TEST(Embedder, LowersTheCaseWhereTheFilesAskForIt) {
  const ModelFolder model("embedder_lower_case");
  model.folder.write("tokenizer_config.json", R"({"do_lower_case": false, "tokenizer_class": "BertTokenizer"})");
  model.folder.write("modules.json", kPlainModules);
  model.folder.write("1_Pooling/config.json", "{}");
  const Taken cased = embed(model.options(), {"one two", "ONE Two"});
  EXPECT_NE(cased.vectors[0], cased.vectors[1]);
  model.folder.write("sentence_bert_config.json", R"({"do_lower_case": true})");
  const Taken lowered = embed(model.options(), {"one two", "ONE Two"});
  EXPECT_EQ(lowered.vectors[0], cased.vectors[0]);
  EXPECT_EQ(lowered.vectors[1], cased.vectors[0]);
}

TEST(Embedder, ALongTextIsAnErrorOfItsOwnWhereAskedTo) {
  const ModelFolder model("embedder_overflow");
  EmbedderOptions options = model.options();
  options.overflow = Overflow::error;
  auto embedder = Embedder::open(options);
  ASSERT_TRUE(embedder.ok()) << embedder.status().message();
  const std::vector<std::string> all = texts();
  const std::vector<std::string_view> views(all.begin(), all.end());
  int failed = 0, embedded = 0;
  ASSERT_TRUE(embedder
                  ->embed(views,
                          [&](const Embedding& e) {
                            (e.status.ok() ? embedded : failed) += 1;
                            if (!e.status.ok()) {
                              EXPECT_EQ(e.index, 3);
                              EXPECT_TRUE(e.vector.empty());
                              EXPECT_NE(e.status.message().find("302 tokens, needed: at most 90"), std::string::npos);
                            }
                            return Status();
                          })
                  .ok());
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(embedded, 5);
}

// Chunks of 6 tokens, 4 of them the text's, against their average by hand.
TEST(Embedder, ChunksAreAveragedByTheirTokens) {
  const ModelFolder model("embedder_chunks");
  EmbedderOptions options = model.options();
  options.max_tokens = 6;
  options.normalize = false;
  const Taken parts = embed(options, {"one two three four", "two two three three", "one"});
  options.overflow = Overflow::chunk;
  const std::string text = "one two three four two two three three one";
  const Taken whole = embed(options, {"two", text, "two"});
  EXPECT_EQ(whole.tokens[1], 11);
  EXPECT_FALSE(whole.truncated[1]);
  EXPECT_EQ(whole.vectors[0], whole.vectors[2]);
  for (size_t j = 0; j < whole.vectors[1].size(); ++j) {
    const double mean = (4.0 * parts.vectors[0][j] + 4.0 * parts.vectors[1][j] + parts.vectors[2][j]) / 9;
    EXPECT_NEAR(whole.vectors[1][j], mean, 1e-6);
  }
  for (const int64_t batch_tokens : {1, 6, 14}) {
    options.batch_tokens = batch_tokens;
    EXPECT_EQ(embed(options, {"two", text, "two"}).vectors, whole.vectors) << batch_tokens;
  }
  options.normalize = true;
  EXPECT_NEAR(length(embed(options, {text}).vectors[0]), 1.0, 1e-6);
}

TEST(Embedder, ChunksOverlapAndCarryThePrompt) {
  const ModelFolder model("embedder_overlap");
  EmbedderOptions options = model.options();
  options.max_tokens = 6;
  options.prompt = "four";
  options.normalize = false;
  const Taken parts = embed(options, {" one two three", " three two one"});
  options.overflow = Overflow::chunk;
  options.overlap = 1;
  const Taken whole = embed(options, {" one two three two one"});
  for (size_t j = 0; j < whole.vectors[0].size(); ++j)
    EXPECT_NEAR(whole.vectors[0][j], (parts.vectors[0][j] + parts.vectors[1][j]) / 2, 1e-6);
  options.overlap = 3;
  const std::string refusal = Embedder::open(options).status().message();
  EXPECT_NE(refusal.find("fewer than the 3 tokens of a chunk"), std::string::npos) << refusal;
  options.prompt = "one two three four one two";
  EXPECT_NE(Embedder::open(options).status().message().find("the prompt has 6 tokens"), std::string::npos);
}

TEST(Embedder, KeepsWeightsAsTheFileHasThemUnlessToldOtherwise) {
  const ModelFolder model("embedder_stored");
  EmbedderOptions options = model.options();
  options.stored.reset();
  EXPECT_EQ(Embedder::open(options)->stored(), matmul::Type::f32);
  const Taken whole = embed(options, {"one two three"});
  for (const matmul::Type type : {matmul::Type::bf16, matmul::Type::q8_0, matmul::Type::q4_0}) {
    options.stored = type;
    EXPECT_EQ(Embedder::open(options)->stored(), type);
    const Taken kept = embed(options, {"one two three"});
    double cosine = 0;
    for (size_t j = 0; j < kept.vectors[0].size(); ++j) cosine += double{kept.vectors[0][j]} * whole.vectors[0][j];
    EXPECT_GT(cosine, type == matmul::Type::q4_0 ? 0.95 : 0.999);
    EXPECT_LT(cosine, 1 - 1e-9);
  }
}

TEST(Embedder, ALimitOfMemoryMakesBatchesSmaller) {
  const ModelFolder model("embedder_rss");
  EmbedderOptions options = model.options();
  options.batch_tokens = 1 << 20;
  const auto free = Embedder::open(options);
  ASSERT_TRUE(free.ok());
  EXPECT_EQ(free->batch_tokens(), 1 << 20);
  const auto memory = process_memory();
  if (!memory) GTEST_SKIP() << "the system does not say what a process holds";
  options.max_rss = memory->peak + (int64_t{200} << 20);
  const auto limited = Embedder::open(options);
  ASSERT_TRUE(limited.ok()) << limited.status().message();
  EXPECT_LT(limited->batch_tokens(), 1 << 20);
  EXPECT_GE(limited->batch_tokens(), limited->max_tokens());
}

TEST(Embedder, SaysWhatItCannotOpen) {
  const ModelFolder model("embedder_errors");
  const auto refusal = [](const EmbedderOptions& options) { return Embedder::open(options).status().message(); };
  EmbedderOptions options = model.options();
  options.dim = 49;
  EXPECT_NE(refusal(options).find("49"), std::string::npos);
  options = model.options();
  options.stored = matmul::Type::i8;
  EXPECT_NE(refusal(options).find("i8"), std::string::npos);
  options = model.options();
  options.max_tokens = 91;
  EXPECT_NE(refusal(options).find("3 to the model's 90"), std::string::npos) << refusal(options);
  options = model.options();
  options.max_rss = 1 << 20;
  EXPECT_NE(refusal(options).find("at least"), std::string::npos) << refusal(options);
  options = model.options();
  options.task = "query";
  EXPECT_NE(refusal(options).find("no prompts of its own"), std::string::npos) << refusal(options);
  options.prompt = "one";
  EXPECT_NE(refusal(options).find("both given"), std::string::npos) << refusal(options);
  std::filesystem::remove(model.folder.path("vocab.txt"));
  EXPECT_NE(refusal(model.options()).find("tokenizer"), std::string::npos);
}

}  // namespace
}  // namespace lathe::run
