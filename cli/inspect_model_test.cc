// lathe inspect model as a shell sees it, on files made here.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/test_files.h"
#include "formats/fake_bytes.h"
#include "shell.h"

namespace lathe {
namespace {

using cli::Outcome;

// Its text is standard output, and the error where there is one.
Outcome inspect(const std::string& arguments, const std::string& environment = "") {
  return cli::run_lathe("inspect model " + arguments + " 2>&1", environment);
}

class InspectModel : public testing::Test {
 protected:
  InspectModel() : folder_("inspect_model") {
    folder_.write("m/config.json", R"({"model_type":"bert","architectures":["BertModel"],"hidden_size":4})");
    folder_.write("m/vocab.txt", "");
    std::string header = "{", data;
    for (int i = 0; i < 20; ++i)
      header += (i ? "," : "") + ("\"t" + std::to_string(i)) + R"(":{"dtype":"BF16","shape":[2,1],"data_offsets":[)" +
                std::to_string(4 * i) + "," + std::to_string(4 * i + 4) + "]}";
    folder_.write("m/model.safetensors", safetensors_bytes(header + "}", std::string(80, 'x')));
  }
  FakeFolder folder_;
};

TEST_F(InspectModel, TextNamesWhatIsThere) {
  const Outcome o = inspect(folder_.path("m"));
  EXPECT_EQ(o.exit, 0) << o.out;
  for (const char* words :
       {"architecture  bert (BertModel)\n", "width         4\n", "m/vocab.txt\n", "parameters    40\n",
        "20 tensors, 40 values, 80 bytes\n", "t11 ", "... and 8 more; --tensors lists all\n"})
    EXPECT_NE(o.out.find(words), std::string::npos) << words << "\n" << o.out;
  EXPECT_EQ(o.out.find("t12"), std::string::npos);
  EXPECT_NE(inspect(folder_.path("m") + " --tensors").out.find("t19 "), std::string::npos);
}

TEST_F(InspectModel, JsonHasAllTensors) {
  const Outcome o = inspect(folder_.path("m") + " --json");
  const auto json = nlohmann::json::parse(o.out, nullptr, false);
  ASSERT_FALSE(json.is_discarded()) << o.out;
  EXPECT_EQ(json["tensors"].size(), 20u);
  EXPECT_EQ(json["tensors"][19], (nlohmann::json{{"name", "t19"}, {"dtype", "BF16"}, {"shape", {2, 1}}, {"bytes", 4}}));
  EXPECT_EQ(json["sizes"]["width"], 4);
  EXPECT_EQ(json["parameters"], 40);
  EXPECT_EQ(json["tokens"], nullptr);
}

TEST_F(InspectModel, AFileAloneIsReadAndSaysWhatItLacks) {
  std::filesystem::remove(folder_.path("m/config.json"));
  const Outcome o = inspect(folder_.path("m/model.safetensors"));
  EXPECT_EQ(o.exit, 0);
  EXPECT_NE(o.out.find("architecture  unknown\n"), std::string::npos) << o.out;
  EXPECT_NE(o.out.find("config.json: there is no such file\n"), std::string::npos) << o.out;
}

TEST_F(InspectModel, GgufWithoutTensors) {
  FakeGguf file;
  file.string("general.architecture", "bert").u32("bert.embedding_length", 8);
  file.string("tokenizer.ggml.model", "b\x1b[31mert");
  file.array("tokenizer.ggml.tokens", 8, 2, FakeGguf::text("a") + FakeGguf::text("b"));
  const std::string path = folder_.write("v.gguf", file.bytes());
  const Outcome o = inspect(path);
  EXPECT_EQ(o.exit, 0) << o.out;
  EXPECT_NE(o.out.find("tokenizer     b?[31mert, 2 tokens\n"), std::string::npos) << o.out;
  EXPECT_EQ(nlohmann::json::parse(inspect(path + " --json").out)["tensors"], nlohmann::json::array());
}

TEST_F(InspectModel, NamesAreLookedUpInTheCacheThatTheEnvironmentNames) {
  folder_.write("hf/hub/models--o--n/refs/main", "1");
  const std::string snapshot = folder_.path("hf/hub/models--o--n/snapshots/1");
  std::filesystem::create_directories(std::filesystem::path(snapshot).parent_path());
  std::filesystem::copy(folder_.path("m"), snapshot);
  EXPECT_NE(inspect("o/n", "HF_HUB_CACHE= HF_HOME=" + folder_.path("hf")).out.find(snapshot), std::string::npos);
  EXPECT_EQ(inspect("o/n", "HF_HUB_CACHE=" + folder_.path("hf/hub")).exit, 0);
  const Outcome absent = inspect("o/absent", "HF_HUB_CACHE= HF_HOME= XDG_CACHE_HOME=" + folder_.path("x"));
  EXPECT_EQ(absent.exit, 1);
  EXPECT_NE(absent.out.find(folder_.path("x/huggingface/hub/models--o--absent/refs/main")), std::string::npos);
}

TEST_F(InspectModel, ADamagedFileIsOneSentence) {
  const std::string path = folder_.write("x.gguf", "GGUF\3");
  const Outcome o = inspect(path);
  EXPECT_EQ(o.exit, 1);
  EXPECT_EQ(o.out, "lathe: " + path +
                       ": the version takes 4 bytes at byte 4, needed: at most the 1 that are left; is the "
                       "file cut short?\n");
}

}  // namespace
}  // namespace lathe
