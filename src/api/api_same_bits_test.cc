// Texts to vectors and prompts to texts by the models that come with lathe, by their bits: the constants were written
// down on x86-64, and every machine, instruction set and number of threads must give them.
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <string>

#include "base/test_files.h"
#include "lathe/embed.h"
#include "lathe/generate.h"

namespace lathe {
namespace {

// FNV-1a.
struct Hash {
  uint64_t state = 0xcbf29ce484222325u;
  void add(const void* data, size_t bytes) {
    const auto* from = static_cast<const unsigned char*>(data);
    for (size_t i = 0; i < bytes; ++i) state = (state ^ from[i]) * 0x100000001b3u;
  }
};

struct EmbedCase {
  const char* name;
  EmbedType type;
  uint64_t hash;
};
class EmbedBits : public ::testing::TestWithParam<EmbedCase> {};
INSTANTIATE_TEST_SUITE_P(Same, EmbedBits,
                         ::testing::Values(EmbedCase{"f32", EmbedType::f32, 0xa774c2f79ef6ceddu},
                                           EmbedCase{"bf16", EmbedType::bf16, 0xcf5033ac3bd5c2eau},
                                           EmbedCase{"q8_0", EmbedType::q8_0, 0x92624c7cb894f902u},
                                           EmbedCase{"q4_0", EmbedType::q4_0, 0xf4eb1664345a77dcu},
                                           EmbedCase{"q8_a7", EmbedType::q8_a7, 0x0f8f79b37ef580ddu},
                                           EmbedCase{"bf16_b16", EmbedType::bf16_b16, 0xbe15ad785de35d2bu}),
                         [](const auto& test) { return test.param.name; });

TEST_P(EmbedBits, OfFiveTexts) {
  const std::string_view texts[] = {
      "a collage of pictures", "", "Grüße aus Zürich, 東京 and Ελλάδα", "one two three four five six seven eight nine",
      "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
      "it "
      "was the epoch of belief, it was the epoch of incredulity, it was the season of Light"};
  for (const int threads : {1, 3}) {
    auto embedder = Embedder::open({.model = shipped_model("words.gguf"), .type = GetParam().type, .threads = threads});
    ASSERT_TRUE(embedder.ok()) << embedder.status().message();
    const auto embeddings = embedder->embed(texts);
    ASSERT_TRUE(embeddings.ok()) << embeddings.status().message();
    Hash hash;
    hash.add(embeddings->values.data(), embeddings->values.size() * sizeof(float));
    EXPECT_EQ(hash.state, GetParam().hash) << std::hex << "0x" << hash.state << "u with " << threads << " threads";
  }
}

struct GenerateCase {
  const char* name;
  GenerateType type;
  CacheType cache;
  uint64_t logits, text;
};
class GenerateBits : public ::testing::TestWithParam<GenerateCase> {};
INSTANTIATE_TEST_SUITE_P(
    Same, GenerateBits,
    ::testing::Values(
        GenerateCase{"f32", GenerateType::f32, CacheType::f32, 0xbe811355e100391cu, 0x63f1b52107a28121u},
        GenerateCase{"f16", GenerateType::f16, CacheType::f16, 0x81119ee0bcc34a96u, 0x63f1b52107a28121u},
        GenerateCase{"q8_0", GenerateType::q8_0, CacheType::f16, 0x0e823d5bdd7914beu, 0x63f1b52107a28121u},
        GenerateCase{"q4_0", GenerateType::q4_0, CacheType::q8_0, 0x6c21f1cb096e1e3cu, 0xe95876f5d958c483u},
        GenerateCase{"q8_a7", GenerateType::q8_a7, CacheType::bf16, 0x45a08de9eb161f1bu, 0xd89698b99dd942ffu},
        GenerateCase{"bf16_b16", GenerateType::bf16_b16, CacheType::f16, 0x3bda2631d4df8c7u, 0xd89698b99dd942ffu}),
    [](const auto& test) { return test.param.name; });

constexpr std::string_view kPrompt = "ROMEO:\nWhat light through yonder window breaks?";

// All logits of the prompt's last token and of the tokens that follow, of which the first of the largest goes on.
TEST_P(GenerateBits, OfTheLogits) {
  for (const int threads : {1, 3}) {
    auto generator = Generator::open({.model = shipped_model("verse.gguf"),
                                      .type = GetParam().type,
                                      .cache_type = GetParam().cache,
                                      .threads = threads});
    ASSERT_TRUE(generator.ok()) << generator.status().message();
    Hash hash;
    SessionOptions options = {.max_tokens = 12};
    options.choose = [&](std::span<const float> logits) {
      hash.add(logits.data(), logits.size_bytes());
      return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
    };
    ASSERT_TRUE(generator->start(kPrompt, options).ok());
    while (generator->busy()) ASSERT_TRUE(generator->step([](const GeneratedToken&) {}).ok());
    EXPECT_EQ(hash.state, GetParam().logits) << std::hex << "0x" << hash.state << "u with " << threads << " threads";
  }
}

TEST_P(GenerateBits, OfATextThatWasDrawn) {
  auto generator = Generator::open(
      {.model = shipped_model("verse.gguf"), .type = GetParam().type, .cache_type = GetParam().cache, .threads = 2});
  ASSERT_TRUE(generator.ok()) << generator.status().message();
  SessionOptions options = {.max_tokens = 48};
  options.sampling = {.repetition_penalty = 1.1f, .temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .seed = 7};
  ASSERT_TRUE(generator->start(kPrompt, options).ok());
  std::string text;
  while (generator->busy()) ASSERT_TRUE(generator->step([&](const GeneratedToken& token) { text += token.text; }).ok());
  Hash hash;
  hash.add(text.data(), text.size());
  EXPECT_EQ(hash.state, GetParam().text) << std::hex << "0x" << hash.state << "u: " << text;
}

}  // namespace
}  // namespace lathe
