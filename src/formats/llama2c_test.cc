#include "formats/llama2c.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/test_files.h"
#include "formats/fake_llama2c.h"

namespace lathe {
namespace {

constexpr Llama2cHeader kSmall = {.width = 16,
                                  .intermediate = 24,
                                  .layers = 2,
                                  .heads = 4,
                                  .kv_heads = 2,
                                  .vocabulary = 20,
                                  .positions = 32,
                                  .tied = true};

std::string error_of(const std::string& bytes) {
  const auto content = Llama2c::parse(as_bytes(bytes), "f");
  EXPECT_FALSE(content.ok());
  EXPECT_EQ(content.status().code(), Code::corrupt);
  EXPECT_NE(content.status().message().find("needed: "), std::string::npos) << content.status().message();
  return content.status().message();
}

TEST(Llama2c, GivesItsTensorsByTheNamesOfHuggingFace) {
  for (const bool tied : {true, false}) {
    Llama2cHeader header = kSmall;
    header.tied = tied;
    const std::string bytes = llama2c_bytes(header);
    const auto content = Llama2c::parse(as_bytes(bytes), "f");
    ASSERT_TRUE(content.ok()) << content.status().message();
    EXPECT_EQ(content->header.tied, tied);
    EXPECT_EQ(content->header.vocabulary, 20);
    const TensorTable& tensors = content->tensors;
    EXPECT_EQ(tensors.all().size(), tied ? 20u : 21u);
    EXPECT_EQ(tensors.find("lm_head.weight") != nullptr, !tied);
    EXPECT_EQ(tensors.find("model.layers.1.self_attn.k_proj.weight")->shape, (Shape{8, 16}));
    EXPECT_EQ(tensors.find("model.layers.1.mlp.down_proj.weight")->shape, (Shape{16, 24}));
    // The words, the norms, the queries of both layers stand before the keys.
    const size_t at = 28 + 4 * (20 * 16 + 2 * 16 + 2 * 16 * 16);
    EXPECT_EQ(static_cast<const void*>(tensors.find("model.layers.0.self_attn.k_proj.weight")->bytes.data()),
              bytes.data() + at);
  }
}

TEST(Llama2c, AFileThatIsCutOrTooLongIsAnError) {
  const std::string bytes = llama2c_bytes(kSmall);
  EXPECT_NE(error_of("").find("has 0 bytes"), std::string::npos);
  EXPECT_NE(error_of(bytes.substr(0, 27)).find("has 27 bytes"), std::string::npos);
  EXPECT_NE(error_of(bytes.substr(0, bytes.size() - 1)).find("freq_cis_imag"), std::string::npos);
  EXPECT_NE(error_of(bytes + "x").find("1 bytes stand behind the last tensor"), std::string::npos);
}

TEST(Llama2c, HostileSizesAreSentences) {
  const auto with = [](int64_t Llama2cHeader::*field, int64_t value) {
    Llama2cHeader header = kSmall;
    header.*field = value;
    return error_of(llama2c_header(header) + std::string(4096, '\0'));
  };
  EXPECT_NE(with(&Llama2cHeader::width, 0).find("dim of the llama2.c header is 0"), std::string::npos);
  EXPECT_NE(with(&Llama2cHeader::layers, -1).find("n_layers of the llama2.c header is -1"), std::string::npos);
  EXPECT_NE(with(&Llama2cHeader::kv_heads, 3).find("n_kv_heads is 3, needed: a divisor"), std::string::npos);
  EXPECT_NE(with(&Llama2cHeader::heads, 5).find("heads of an even number"), std::string::npos);
  EXPECT_NE(with(&Llama2cHeader::vocabulary, INT32_MAX).find("model.embed_tokens.weight"), std::string::npos);
  Llama2cHeader large = kSmall;
  large.width = large.intermediate = large.vocabulary = 1 << 30;
  large.heads = large.kv_heads = 2;
  error_of(llama2c_header(large));
}

TEST(Llama2cVocabulary, GivesPiecesAndScores) {
  const std::string bytes = llama2c_vocabulary(300);
  const auto vocabulary = Llama2cVocabulary::parse(as_bytes(bytes), "f");
  ASSERT_TRUE(vocabulary.ok()) << vocabulary.status().message();
  EXPECT_EQ(vocabulary->pieces.size(), 300u);
  EXPECT_EQ(vocabulary->pieces[258], "<0xFF>");
  EXPECT_EQ(vocabulary->pieces[285], " a");
  EXPECT_EQ(vocabulary->scores[285], -26.0f);
}

TEST(Llama2cVocabulary, AFileThatIsCutIsAnErrorWhereverItEnds) {
  const std::string bytes = llama2c_vocabulary(262);
  int errors = 0;
  for (size_t size = 0; size < bytes.size(); ++size)
    if (!Llama2cVocabulary::parse(as_bytes(bytes.substr(0, size)), "f").ok()) ++errors;
  EXPECT_GT(errors, static_cast<int>(bytes.size() * 9 / 10));  // but for ends between two pieces
  const auto negative = Llama2cVocabulary::parse(as_bytes(raw(int32_t{8}) + raw(0.0f) + raw(int32_t{-1})), "f");
  EXPECT_NE(negative.status().message().find("piece 0 has a length of -1"), std::string::npos);
}

TEST(Llama2cVocabulary, IsFoundBesideTheCheckpoint) {
  const FakeFolder folder("llama2c");
  const std::string checkpoint = folder.path("model.bin");
  EXPECT_NE(llama2c_tokenizer_beside(checkpoint, 300).status().message().find("tok300.bin or tokenizer.bin"),
            std::string::npos);
  folder.write("tokenizer.bin", "");
  EXPECT_EQ(*llama2c_tokenizer_beside(checkpoint, 300), folder.path("tokenizer.bin"));
  folder.write("tok300.bin", "");
  EXPECT_EQ(*llama2c_tokenizer_beside(checkpoint, 300), folder.path("tok300.bin"));
}

}  // namespace
}  // namespace lathe
