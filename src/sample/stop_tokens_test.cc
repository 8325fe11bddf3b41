#include "sample/stop_tokens.h"

#include <gtest/gtest.h>

#include "base/test_files.h"
#include "formats/hf_config.h"
#include "tokenize/test_json.h"

namespace lathe::sample {
namespace {

tokenize::Tokenizer chat_tokenizer() {
  tokenize::TestJson json = tokenize::wordpiece_json({"[UNK]", "a", "b", "<|im_end|>", "c"});
  json["added_tokens"] = {{{"id", 3}, {"content", "<|im_end|>"}, {"special", true}}};
  return tokenize::tokenizer_of(json);
}

using Ids = std::vector<int32_t>;

constexpr int64_t kVocabulary = 5;

TEST(StopTokens, OfHuggingFaceFolders) {
  const auto tokenizer = chat_tokenizer();
  const FakeFolder folder("stop_tokens");
  const auto ids = [&](const tokenize::Tokenizer* known) { return *stop_tokens(folder.path(), kVocabulary, known); };
  EXPECT_EQ(ids(nullptr), Ids{});
  EXPECT_EQ(ids(&tokenizer), Ids{3});  // by its name
  folder.write("config.json", R"({"eos_token_id": 2})");
  EXPECT_EQ(ids(nullptr), Ids{2});
  EXPECT_EQ(ids(&tokenizer), (Ids{2, 3}));
  folder.write("config.json", R"({"text_config": {"eos_token_id": [1]}})");
  EXPECT_EQ(ids(nullptr), Ids{1});
  folder.write("generation_config.json", R"({"eos_token_id": [4, 2, 4]})");
  EXPECT_EQ(ids(&tokenizer), (Ids{2, 3, 4}));
  folder.write("generation_config.json", R"({"eos_token_id": null})");
  EXPECT_EQ(ids(nullptr), Ids{1});
  for (const char* wrong : {R"({"eos_token_id": 5})", R"({"eos_token_id": "x"})", R"({"eos_token_id": [-1]})", "["}) {
    folder.write("generation_config.json", wrong);
    const auto refused = stop_tokens(folder.path(), kVocabulary, &tokenizer);
    EXPECT_NE(refused.status().message().find("generation_config.json: "), std::string::npos)
        << refused.status().message();
  }
}

TEST(StopTokens, OfGgufMetadata) {
  const auto tokenizer = chat_tokenizer();
  // A key with dots is a path in JSON, which is all that Fields promises.
  const auto ids = [&](const std::string& ggml) {
    const auto fields = HfConfig::parse(R"({"tokenizer": {"ggml": )" + ggml + "}}", "f");
    return *stop_tokens(static_cast<const Fields&>(*fields), kVocabulary, &tokenizer);
  };
  EXPECT_EQ(ids("{}"), Ids{3});
  EXPECT_EQ(ids(R"({"eos_token_id": 2, "eot_token_id": 4, "eom_token_id": 1})"), (Ids{1, 2, 3, 4}));
}

TEST(StopTokens, OfATokenizerWithoutOtherFiles) {
  const auto tokenizer = chat_tokenizer();
  EXPECT_EQ(stop_tokens(kVocabulary, &tokenizer), Ids{3});
  EXPECT_EQ(stop_tokens(3, &tokenizer), Ids{});  // the model has no logit for it
  EXPECT_EQ(stop_tokens(kVocabulary, nullptr), Ids{});
}

}  // namespace
}  // namespace lathe::sample
