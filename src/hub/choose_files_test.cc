#include "hub/select.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/test_files.h"
#include "hub/url.h"

namespace lathe::hub {
namespace {

using Paths = std::vector<std::string>;

class SelectTest : public ::testing::Test {
 protected:
  SelectTest() : folder_("select") {}
  Result<Paths> choose(Paths paths) const {
    std::ranges::sort(paths);
    return choose_files(paths, [this](const std::string& path) -> Result<std::string> { return folder_.path(path); });
  }
  FakeFolder folder_;
};

TEST_F(SelectTest, ShardsAreThoseOfTheIndex) {
  folder_.write("model.safetensors.index.json", R"({"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})");
  const Paths all = {"m-1.safetensors", "m-2.safetensors", "m-3.safetensors", "model.safetensors.index.json",
                     "config.json"};
  EXPECT_EQ(*choose(all), (Paths{"config.json", "m-1.safetensors", "m-2.safetensors", "model.safetensors.index.json"}));
  EXPECT_NE(choose({"m-1.safetensors", "model.safetensors.index.json"}).status().message().find("'m-2.safetensors'"),
            std::string::npos);
}

TEST_F(SelectTest, ModulesBringTheirFolders) {
  folder_.write("modules.json",
                R"([{"path":"0_Transformer"},{"path":"1_Pooling"},{"path":"2_Dense"},{"path":"3_Dense"}])");
  const Paths wanted = {"0_Transformer/config.json", "0_Transformer/model.safetensors",
                        "0_Transformer/vocab.txt",   "1_Pooling/config.json",
                        "2_Dense/config.json",       "2_Dense/model.safetensors",
                        "3_Dense/pytorch_model.bin", "modules.json",
                        "sentence_bert_config.json"};
  Paths all = wanted;
  for (const char* other : {"0_Transformer/pytorch_model.bin", "2_Dense/pytorch_model.bin", "onnx/model.onnx",
                            "openvino/model.safetensors", "README.md", "train_script.py"})
    all.push_back(other);
  EXPECT_EQ(*choose(all), wanted);
}

TEST_F(SelectTest, GgufWhereThereIsNothingElse) {
  EXPECT_EQ(*choose({"README.md", "a-Q8_0.gguf"}), Paths{"a-Q8_0.gguf"});
  EXPECT_EQ(*choose({"a.gguf", "model.safetensors"}), Paths{"model.safetensors"});
  EXPECT_NE(choose({"a.gguf", "b.gguf"}).status().message().find("has 2 .gguf files"), std::string::npos);
  EXPECT_NE(choose({"config.json", "pytorch_model.bin"}).status().message().find("neither model.safetensors"),
            std::string::npos);
}

TEST_F(SelectTest, DamagedGuidesAreSentences) {
  for (const char* text : {"", "{}x", "[1]", R"([{"path":7}])", R"([{"path":"/etc"}])"}) {
    folder_.write("modules.json", text);
    EXPECT_EQ(choose({"model.safetensors", "modules.json"}).status().code(), Code::corrupt) << text;
  }
}

TEST(Url, Origins) {
  EXPECT_EQ(origin_of("HTTPS://HuggingFace.co/a?b"), "https://huggingface.co:443");
  EXPECT_EQ(origin_of("http://[::1]/x"), "http://[::1]:80");
  EXPECT_EQ(origin_of("http://h:8080"), "http://h:8080");
  EXPECT_NE(origin_of("https://h"), origin_of("http://h"));
  for (const char* url : {"", "ftp://h", "https://user@h", "http://", "https://:80", "https://h\\@x/"})
    EXPECT_EQ(origin_of(url), "") << url;
  EXPECT_EQ(percent_encoded("a b/\xc3\xa9?#", true), "a%20b/%C3%A9%3F%23");
}

}  // namespace
}  // namespace lathe::hub
