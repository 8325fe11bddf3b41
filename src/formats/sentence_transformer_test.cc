#include "formats/sentence_transformer.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/test_files.h"
#include "formats/fake_bytes.h"

namespace lathe {
namespace {

std::string module(const std::string& type, const std::string& path) {
  return R"({"idx":0,"name":"x","path":")" + path + R"(","type":"sentence_transformers.models.)" + type + "\"}";
}

constexpr const char* kDense = R"({"in_features":1,"out_features":2,"bias":false,)"
                               R"("activation_function":"torch.nn.modules.linear.Identity"})";
constexpr const char* kDenseHeader = R"({"linear.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]}})";

// The files of EmbeddingGemma, in small.
class SentenceTransformerTest : public testing::Test {
 protected:
  SentenceTransformerTest() : folder_("sentence_transformer") {
    modules(module("Transformer", "") + "," + module("Pooling", "1_Pooling") + "," + module("Dense", "2_Dense") + "," +
            module("Normalize", "4_Normalize"));
    folder_.write("1_Pooling/config.json", R"({"word_embedding_dimension":1,"pooling_mode_mean_tokens":true})");
    folder_.write("2_Dense/config.json", kDense);
    folder_.write("2_Dense/model.safetensors", safetensors_bytes(kDenseHeader, "12345678"));
    folder_.write(
        "config_sentence_transformers.json",
        R"({"prompts":{"query":"task: ","STS":"s"},"default_prompt_name":null,"similarity_fn_name":"cosine"})");
    folder_.write("sentence_bert_config.json", R"({"max_seq_length":2048,"do_lower_case":false})");
  }

  void modules(const std::string& list) const { folder_.write("modules.json", "[" + list + "]"); }
  Result<std::optional<SentenceTransformer>> open() const { return open_sentence_transformer(folder_.path()); }
  // The sentence without the folder that it begins with.
  std::string error() const {
    const auto model = open();
    EXPECT_FALSE(model.ok());
    const std::string message = model.status().message(), path = folder_.path() + "/";
    EXPECT_EQ(message.substr(0, path.size()), path) << message;
    return message.substr(std::min(path.size(), message.size()));
  }

  FakeFolder folder_;
};

TEST_F(SentenceTransformerTest, ReadsEverythingBesideTheModel) {
  const auto opened = open();
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  const SentenceTransformer& model = **opened;
  EXPECT_EQ(model.transformer_folder, folder_.path());
  EXPECT_EQ(model.pooling, std::vector{Pooling::mean});
  EXPECT_EQ(model.width, 1);
  EXPECT_TRUE(model.include_prompt);
  ASSERT_EQ(model.dense.size(), 1u);
  EXPECT_EQ(model.dense[0].out, 2);
  EXPECT_EQ(model.dense[0].activation, "Identity");
  EXPECT_EQ(std::memcmp(model.dense[0].weight->bytes.data(), "12345678", 8), 0);
  EXPECT_EQ(model.dense[0].bias, nullptr);
  EXPECT_TRUE(model.normalize);
  EXPECT_EQ(model.max_tokens, 2048);
  EXPECT_FALSE(model.lower_case);
  EXPECT_EQ(model.prompts.size(), 2u);
  EXPECT_EQ(model.default_prompt, std::nullopt);
  EXPECT_EQ(model.similarity, "cosine");
}

TEST_F(SentenceTransformerTest, AFolderWithoutModulesIsNone) {
  const FakeFolder plain("sentence_transformer_none");
  const auto model = open_sentence_transformer(plain.path());
  ASSERT_TRUE(model.ok());
  EXPECT_FALSE(model->has_value());
}

TEST_F(SentenceTransformerTest, PoolingInBothSpellings) {
  const auto pooling = [this](const char* config) {
    folder_.write("1_Pooling/config.json", config);
    const auto model = open();
    EXPECT_TRUE(model.ok()) << model.status().message();
    return (*model)->pooling;
  };
  EXPECT_EQ(pooling("{}"), std::vector{Pooling::mean});
  EXPECT_EQ(pooling(R"({"pooling_mode_cls_token":true,"pooling_mode_mean_tokens":false})"), std::vector{Pooling::cls});
  EXPECT_EQ(pooling(R"({"pooling_mode":"lasttoken"})"), std::vector{Pooling::last_token});
  EXPECT_EQ(pooling(R"({"pooling_mode_max_tokens":true,"pooling_mode_cls_token":true})"),
            (std::vector{Pooling::cls, Pooling::max, Pooling::mean}));
  folder_.write("1_Pooling/config.json", R"({"pooling_mode_mean_tokens":false})");
  EXPECT_EQ(error(), "1_Pooling/config.json: every pooling_mode_* is false, needed: at least one that is true");
  folder_.write("1_Pooling/config.json", R"({"pooling_mode":"median"})");
  EXPECT_NE(error().find("pooling_mode is 'median', needed: cls"), std::string::npos);
  folder_.write("1_Pooling/config.json", R"({"pooling_mode_cls_token":1})");
  EXPECT_EQ(error(), "1_Pooling/config.json: pooling_mode_cls_token is 1, needed: true or false");
}

TEST_F(SentenceTransformerTest, ModulesInAnyOtherOrderAreAnError) {
  const std::string transformer = module("Transformer", ""), pooling = module("Pooling", "1_Pooling");
  const std::string dense = module("Dense", "2_Dense"), normalize = module("Normalize", "x");
  for (const std::string& list :
       {pooling, transformer + "," + dense, transformer + "," + pooling + "," + pooling,
        transformer + "," + pooling + "," + normalize + "," + dense, transformer + "," + transformer,
        transformer + "," + pooling + "," + normalize + "," + normalize, transformer + "," + normalize}) {
    modules(list);
    EXPECT_NE(error().find("at this place, needed: one Transformer, one Pooling"), std::string::npos) << list;
  }
  modules(transformer);
  EXPECT_EQ(error(), "modules.json: has no Pooling, needed: a Transformer and a Pooling");
  modules(transformer + "," + module("LSTM", "1"));
  EXPECT_EQ(error(),
            "modules.json[1]: type is 'sentence_transformers.models.LSTM', needed: Transformer, Pooling, "
            "Dense or Normalize");
}

TEST_F(SentenceTransformerTest, PathsStayWithinTheFolder) {
  for (const char* path : {"../x", "/etc", "a/../../b", "..", "a\\\\b", "a\\u0000"}) {
    modules(module("Transformer", path));
    EXPECT_NE(error().find("needed: a folder within the model's"), std::string::npos) << path;
  }
}

TEST_F(SentenceTransformerTest, ADenseLayerThatContradictsItsWeightsIsAnError) {
  folder_.write("2_Dense/config.json", R"({"in_features":2,"out_features":1,"bias":false,"activation_function":"x"})");
  EXPECT_EQ(error(),
            "2_Dense/model.safetensors: tensor 'linear.weight' has shape [2, 1], needed: [1, 2] by the model's "
            "configuration");
  folder_.write("2_Dense/config.json", R"({"in_features":1,"out_features":2,"activation_function":"x"})");
  EXPECT_NE(error().find("tensor 'linear.bias' is not among its 1"), std::string::npos);
  std::filesystem::remove(folder_.path("2_Dense/model.safetensors"));
  folder_.write("2_Dense/config.json", kDense);
  EXPECT_NE(error().find("2_Dense: the folder has neither"), std::string::npos);
}

TEST_F(SentenceTransformerTest, ThePromptsAreChecked) {
  folder_.write("config_sentence_transformers.json", R"({"prompts":{"a":"x"},"default_prompt_name":"b"})");
  EXPECT_NE(error().find("default_prompt_name is 'b', needed: the name of one of its prompts"), std::string::npos);
  folder_.write("config_sentence_transformers.json", R"({"prompts":{"a":1}})");
  EXPECT_NE(error().find("prompts, 'a' is number, needed: a string"), std::string::npos);
  folder_.write("config_sentence_transformers.json", R"({"prompts":{"a":"x"},"default_prompt_name":"a"})");
  EXPECT_EQ((*open())->default_prompt, "a");
}

TEST(SentenceTransformer, RealMiniLm) {
  const std::string folder = test_data("tokenizers/all-MiniLM-L6-v2");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no " << folder;
  const auto model = open_sentence_transformer(folder);
  ASSERT_TRUE(model.ok()) << model.status().message();
  ASSERT_TRUE(model->has_value());
  EXPECT_EQ((*model)->pooling, std::vector{Pooling::mean});
  EXPECT_EQ((*model)->width, 384);
  EXPECT_EQ((*model)->max_tokens, 256);
  EXPECT_TRUE((*model)->normalize);
  EXPECT_EQ((*model)->prompts.size(), 2u);
}

}  // namespace
}  // namespace lathe
