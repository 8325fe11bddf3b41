#include "run/verify.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "run/golden.h"
#include "run/test_model.h"

namespace lathe::run {
namespace {

using Outcome = Check::Outcome;
using testing::TestModel;

std::vector<Check> verify(const VerifyOptions& options) {
  std::vector<Check> checks;
  const Status status = verify_model(options, [&](const Check& check) { checks.push_back(check); });
  EXPECT_TRUE(status.ok()) << status.message();
  return checks;
}

const Check& named(const std::vector<Check>& checks, const std::string& name) {
  static const Check none{"none", Outcome::failed, "no such check", {}};
  for (const Check& check : checks)
    if (check.name == name) return check;
  ADD_FAILURE() << "no check " << name;
  return none;
}

// What another implementation would write: here ours, with `change` added to one element.
nlohmann::json golden(const TestModel& model, float change) {
  nlohmann::json json = {{"format", "lathe-golden"}, {"version", 1}, {"made_by", "a test"}};
  auto embedder = Embedder::open({.model = model.folder.path(), .threads = 1});
  const std::vector<std::string_view> texts = {"one two", "three fours one"};
  const Status status = embedder->embed(texts, [&](const Embedding& e) {
    std::vector<float> vector(e.vector.begin(), e.vector.end());
    if (e.index == 1) vector[7] += change;
    json["texts"].push_back(texts[static_cast<size_t>(e.index)]);
    json["vectors"].push_back(vector);
    return Status();
  });
  EXPECT_TRUE(status.ok()) << status.message();
  return json;
}

TEST(VerifyModel, ASoundModelPasses) {
  const TestModel model("verify_sound");
  const auto checks = verify({.model = model.folder.path()});
  for (const Check& check : checks) EXPECT_NE(check.outcome, Outcome::failed) << check.name << ": " << check.detail;
  EXPECT_EQ(named(checks, "tokenizer").outcome, Outcome::passed);
  EXPECT_EQ(named(checks, "weights").outcome, Outcome::passed);
  EXPECT_EQ(named(checks, "determinism").outcome, Outcome::passed);
  EXPECT_EQ(named(checks, "f32 against bf16").outcome, Outcome::passed);
  EXPECT_EQ(named(checks, "golden vectors").outcome, Outcome::absent);
}

TEST(VerifyModel, GoldenVectorsAreComparedClosely) {
  const TestModel model("verify_golden");
  model.folder.write("golden.json", golden(model, 0).dump());
  EXPECT_EQ(named(verify({.model = model.folder.path()}), "golden vectors").outcome, Outcome::passed);
  model.folder.write("golden.json", golden(model, 5e-5f).dump());
  const Check off = named(verify({.model = model.folder.path()}), "golden vectors");
  EXPECT_EQ(off.outcome, Outcome::failed);
  EXPECT_NE(off.detail.find("difference up to 5.0e-05"), std::string::npos) << off.detail;
  // Another file than the one beside the model.
  const std::string other = model.folder.write("other.json", golden(model, 0).dump());
  const VerifyOptions options = {.model = model.folder.path(), .golden = other};
  EXPECT_EQ(named(verify(options), "golden vectors").outcome, Outcome::passed);
}

TEST(VerifyModel, AGoldenFileOfAnotherShapeFails) {
  const TestModel model("verify_shape");
  auto json = golden(model, 0);
  for (auto& vector : json["vectors"]) vector.erase(0);
  model.folder.write("golden.json", json.dump());
  const Check check = named(verify({.model = model.folder.path()}), "golden vectors");
  EXPECT_EQ(check.outcome, Outcome::failed);
  EXPECT_NE(check.detail.find("47 elements, ours have 48"), std::string::npos) << check.detail;
}

TEST(VerifyModel, DamagedGoldenFilesAreSentences) {
  const FakeFolder folder("verify_damaged");
  for (const char* text : {"", "[]", "{}", R"({"format":"lathe-golden","version":2,"texts":["a"],"vectors":[[1]]})",
                           R"({"format":"lathe-golden","version":1,"texts":[],"vectors":[]})",
                           R"({"format":"lathe-golden","version":1,"texts":["a"],"vectors":[[1],[2]]})",
                           R"({"format":"lathe-golden","version":1,"texts":["a"],"vectors":[["x"]]})",
                           R"({"format":"lathe-golden","version":1,"texts":["a"],"vectors":[[0,0]]})",
                           R"({"format":"lathe-golden","version":1,"texts":[1],"vectors":[[1]]})",
                           R"({"format":"lathe-golden","version":1,"texts":["a","b"],"vectors":[[1],[1,2]]})"})
    EXPECT_EQ(read_golden(folder.write("golden.json", text)).status().code(), Code::corrupt) << text;
}

TEST(VerifyModel, WeightsThatAreNotFiniteAreNamed) {
  const TestModel model("verify_weights", NAN);
  const auto checks = verify({.model = model.folder.path()});
  const Check& check = named(checks, "weights");
  EXPECT_EQ(check.outcome, Outcome::failed);
  EXPECT_NE(check.detail.find("1 of "), std::string::npos) << check.detail;
  EXPECT_NE(check.detail.find("'embeddings.word_embeddings.weight'"), std::string::npos) << check.detail;
}

TEST(VerifyModel, WeightsThatTheModelCannotUseFail) {
  const TestModel model("verify_unusable");
  model.folder.write("config.json", R"({"model_type": "bert", "hidden_size": 48, "num_hidden_layers": 3,
    "num_attention_heads": 4, "intermediate_size": 80, "vocab_size": 60, "max_position_embeddings": 90,
    "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"})");
  EXPECT_EQ(named(verify({.model = model.folder.path()}), "vectors").outcome, Outcome::failed);
  model.folder.write("config.json", R"({"model_type": "gpt9"})");
  EXPECT_EQ(named(verify({.model = model.folder.path()}), "vectors").outcome, Outcome::not_supported);
}

// A tokenizer that forgets letters: its normalizer throws every "e" away.
TEST(VerifyModel, ATokenizerThatLosesLettersFails) {
  nlohmann::json json = nlohmann::json::parse(R"({"version": "1.0", "added_tokens": [],
    "normalizer": {"type": "Replace", "pattern": {"String": "e"}, "content": ""},
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
    "post_processor": null, "decoder": {"type": "ByteLevel"},
    "model": {"type": "BPE", "vocab": {}, "merges": []}})");
  for (int i = 0; i < 256; ++i) {  // byte by byte, in the alphabet of byte-level BPE
    const bool plain = (i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174;
    static int next = 256;
    const int c = plain ? i : next++;
    std::string piece;
    if (c < 0x80) {
      piece = static_cast<char>(c);
    } else {
      piece = {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 63))};
    }
    json["model"]["vocab"][piece] = i;
  }
  const auto lossy = tokenize::Tokenizer::from_json("lossy", json.dump());
  ASSERT_TRUE(lossy.ok()) << lossy.status().message();
  const Check check = check_tokenizer(*lossy);
  EXPECT_EQ(check.outcome, Outcome::failed);
  EXPECT_NE(check.detail.find("needed: the same letters"), std::string::npos) << check.detail;
  json["normalizer"] = nullptr;
  const auto sound = tokenize::Tokenizer::from_json("sound", json.dump());
  ASSERT_TRUE(sound.ok()) << sound.status().message();
  EXPECT_EQ(check_tokenizer(*sound).outcome, Outcome::passed) << check_tokenizer(*sound).detail;
}

TEST(VerifyModel, RealTokenizersPass) {
  int seen = 0;
  for (const char* name : {"all-MiniLM-L6-v2", "gpt2", "llama2", "qwen2"}) {
    const std::string path = test_data(std::string("tokenizers/") + name);
    if (!std::filesystem::exists(path)) continue;
    ++seen;
    const auto tokenizer = tokenize::Tokenizer::load(path);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
    const Check check = check_tokenizer(*tokenizer);
    EXPECT_EQ(check.outcome, Outcome::passed) << name << ": " << check.detail;
  }
  if (seen == 0) GTEST_SKIP() << "no " << test_data("tokenizers");
}

TEST(VerifyModel, AnAbsentModelIsAnError) {
  const auto none = [](const Check&) {};
  EXPECT_EQ(verify_model({.model = "/absent"}, none).code(), Code::not_found);
  const TestModel model("verify_absent");
  const VerifyOptions options = {.model = model.folder.path(), .golden = "/absent"};
  EXPECT_EQ(verify_model(options, none).code(), Code::not_found);
}

}  // namespace
}  // namespace lathe::run
