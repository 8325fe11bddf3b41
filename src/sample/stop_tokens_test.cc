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

TEST(StopTokens, OfHuggingFaceFolders) {
  const auto tokenizer = chat_tokenizer();
  const FakeFolder folder("stop_tokens");
  EXPECT_EQ(*stop_tokens(folder.path(), tokenizer), Ids{});
  folder.write("config.json", R"({"eos_token_id": 2})");
  EXPECT_EQ(*stop_tokens(folder.path(), tokenizer), Ids{2});
  folder.write("config.json", R"({"text_config": {"eos_token_id": [1]}})");
  EXPECT_EQ(*stop_tokens(folder.path(), tokenizer), Ids{1});
  folder.write("generation_config.json", R"({"eos_token_id": [4, 2, 4]})");
  EXPECT_EQ(*stop_tokens(folder.path(), tokenizer), (Ids{2, 4}));
  folder.write("generation_config.json", R"({"eos_token_id": null})");
  EXPECT_EQ(*stop_tokens(folder.path(), tokenizer), Ids{1});
  for (const char* wrong : {R"({"eos_token_id": 5})", R"({"eos_token_id": "x"})", R"({"eos_token_id": [-1]})", "["}) {
    folder.write("generation_config.json", wrong);
    const auto ids = stop_tokens(folder.path(), tokenizer);
    EXPECT_NE(ids.status().message().find("generation_config.json: "), std::string::npos) << ids.status().message();
  }
}

TEST(StopTokens, OfGgufMetadata) {
  const auto tokenizer = chat_tokenizer();
  // A key with dots is a path in JSON, which is all that Fields promises.
  const auto ids = [&](const std::string& ggml) {
    const auto fields = HfConfig::parse(R"({"tokenizer": {"ggml": )" + ggml + "}}", "f");
    return *stop_tokens(static_cast<const Fields&>(*fields), tokenizer);
  };
  EXPECT_EQ(ids("{}"), Ids{3});
  EXPECT_EQ(ids(R"({"eos_token_id": 2, "eot_token_id": 4, "eom_token_id": 1})"), (Ids{1, 2, 3, 4}));
}

}  // namespace
}  // namespace lathe::sample
