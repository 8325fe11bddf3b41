#include "formats/model_files.h"

#include <gtest/gtest.h>

#include "base/test_files.h"

namespace lathe {
namespace {

class ModelFilesTest : public testing::Test {
 protected:
  ModelFilesTest() : folder_("model_files") {}

  ModelFiles found(const std::string& model) const {
    const auto files = resolve_model(model, folder_.path("hub"));
    EXPECT_TRUE(files.ok()) << files.status().message();
    return files.ok() ? *files : ModelFiles{};
  }
  std::string error(const std::string& model, Code code) const {
    const auto files = resolve_model(model, folder_.path("hub"));
    EXPECT_EQ(files.status().code(), code) << files.status().message();
    return files.status().message();
  }

  FakeFolder folder_;
};

TEST_F(ModelFilesTest, AFolderOfSafetensors) {
  const std::string weights = folder_.write("m/model.safetensors", "");
  folder_.write("m/vocab.txt", "");
  const std::string tokenizer = folder_.write("m/tokenizer.json", "");
  for (const std::string& model : {folder_.path("m"), weights}) {
    const ModelFiles files = found(model);
    EXPECT_EQ(files.format, ModelFiles::Format::safetensors);
    EXPECT_EQ(files.weights, weights);
    EXPECT_EQ(files.folder, folder_.path("m"));
    EXPECT_EQ(files.config, folder_.path("m"));
    EXPECT_EQ(files.tokenizer, tokenizer);
  }
}

TEST_F(ModelFilesTest, ShardsAndTheTransformersOwnFolder) {
  const std::string index = folder_.write("m/0_Transformer/model.safetensors.index.json", "");
  const ModelFiles files = found(folder_.path("m"));
  EXPECT_EQ(files.weights, index);
  EXPECT_EQ(files.folder, folder_.path("m"));
  EXPECT_EQ(files.config, folder_.path("m/0_Transformer"));
  EXPECT_EQ(files.tokenizer, "");
}

TEST_F(ModelFilesTest, Gguf) {
  const std::string weights = folder_.write("m/a.gguf", "");
  for (const std::string& model : {folder_.path("m"), weights}) {
    EXPECT_EQ(found(model).format, ModelFiles::Format::gguf);
    EXPECT_EQ(found(model).weights, weights);
  }
  folder_.write("m/b.gguf", "");
  EXPECT_EQ(
      error(folder_.path("m"), Code::invalid_argument),
      folder_.path("m") + ": the folder has 2 .gguf files (a.gguf, b.gguf, ...), needed: the path of one of them");
}

TEST_F(ModelFilesTest, ANameInTheCache) {
  folder_.write("hub/models--org--name/refs/main", "abc123\n");
  const std::string weights = folder_.write("hub/models--org--name/snapshots/abc123/model.safetensors", "");
  folder_.write("hub/models--gpt2/refs/main", "1");
  folder_.write("hub/models--gpt2/snapshots/1/model.safetensors", "");
  EXPECT_EQ(found("org/name").weights, weights);
  EXPECT_EQ(found("gpt2").folder, folder_.path("hub/models--gpt2/snapshots/1"));
}

TEST_F(ModelFilesTest, WhatIsAbsentSaysWhereItWasLookedFor) {
  EXPECT_EQ(
      error("org/name", Code::not_found),
      "'org/name': there is no such file or folder, and the Hugging Face cache does not have it either: looked for " +
          folder_.path("hub/models--org--name/refs/main"));
  EXPECT_NE(resolve_model("org/name", "").status().message().find("no Hugging Face cache to look in"),
            std::string::npos);
  for (const char* name : {"../x", "a/b/c", "/absent", "org/..", "org/na me", ".x/y", "org/"})
    EXPECT_NE(error(name, Code::not_found).find("needed: a path, or a Hugging Face name"), std::string::npos) << name;
  EXPECT_EQ(error("", Code::invalid_argument).substr(0, 27), "the model's name is empty, ");
  folder_.write("hub/models--org--name/refs/main", "abc");
  EXPECT_NE(error("org/name", Code::not_found).find("names revision abc, whose folder"), std::string::npos);
  folder_.write("hub/models--org--name/refs/main", "../../..");
  EXPECT_NE(error("org/name", Code::corrupt).find("holds '../../..', needed: a revision"), std::string::npos);
  folder_.write("empty/x", "");
  EXPECT_NE(error(folder_.path("empty"), Code::not_found).find("the folder has no weights"), std::string::npos);
  EXPECT_NE(error(folder_.path("empty/x"), Code::invalid_argument).find("a file of another kind"), std::string::npos);
}

}  // namespace
}  // namespace lathe
