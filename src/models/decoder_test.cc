#include "models/decoder.h"

#include <gtest/gtest.h>

#include "models/test_decoder.h"

namespace lathe::models {
namespace {

using testing::kFamilies;
using testing::random_ids;
using testing::run_alone;
using testing::TestDecoder;

std::unique_ptr<Team> team_of(int threads) { return std::move(*Team::create({.threads = threads})); }

class DecoderTest : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, DecoderTest, ::testing::ValuesIn(kFamilies),
                         [](const auto& family) { return std::string(family.param); });

TEST_P(DecoderTest, IsNearFloat64WithTheNamesOfHuggingFaceAndOfGguf) {
  for (const bool gguf : {false, true}) {
    TestDecoder model(GetParam(), gguf);
    const auto team = team_of(2);
    const auto decoder = model.bind(*team);
    ASSERT_NE(decoder, nullptr);
    const auto ids = random_ids(90, model.config.vocabulary, 1);
    const auto found = run_alone(*decoder, ids, 90);
    const auto exact = model.logits(ids);
    double top = 0;
    for (const auto& row : exact)
      for (const double x : row) top = std::max(top, std::fabs(x));
    for (size_t i = 0; i < found.size(); ++i)
      ASSERT_NEAR(found[i], exact[i / exact[0].size()][i % exact[0].size()], 1e-5 * top) << "logit " << i;
  }
}

TEST_P(DecoderTest, HasTheSameBitsHoweverTokensAreCutIntoPassesWithAnyThreadsAndDispatch) {
  TestDecoder model(GetParam());
  const auto ids = random_ids(140, model.config.vocabulary, 2);
  const auto one = team_of(1);
  for (const ops::KvType type : {ops::KvType::f16, ops::KvType::bf16, ops::KvType::f32, ops::KvType::q8_0}) {
    const auto expected = run_alone(*model.bind(*one), ids, ids.size(), type);
    ASSERT_FALSE(expected.empty());
    for (const int threads : {1, 2, 3}) {
      const auto team = team_of(threads);
      const auto decoder = model.bind(*team);
      for (const size_t chunk : {size_t{1}, size_t{7}, size_t{64}, size_t{139}, size_t{140}})
        ASSERT_EQ(run_alone(*decoder, ids, chunk, type), expected) << threads << " threads, chunks of " << chunk;
      for (const ops::Dispatch dispatch : {ops::Dispatch::layer, ops::Dispatch::op}) {
        decoder->set_dispatch(dispatch);
        ASSERT_EQ(run_alone(*decoder, ids, 50, type), expected) << threads << " threads";
      }
    }
  }
}

// Values of the attention, and in one layer the feed-forward's up, in bf16, all else in f32: queries and keys are one
// product then and values another, and so are gate and up.
TEST_P(DecoderTest, HasTheSameBitsWithTensorsOfSeveralTypesEachAsItIs) {
  TestDecoder one_type(GetParam()), two_types(GetParam());
  for (const char* part : {"v_proj.weight", "layers.0.mlp.up_proj.weight", "layers.1.mlp.down_proj.weight"}) {
    one_type.round_to_bf16(part, false);
    two_types.round_to_bf16(part, true);
  }
  const auto ids = random_ids(70, one_type.config.vocabulary, 4);
  const auto team = team_of(2);
  const auto expected = run_alone(*one_type.bind(*team), ids, 30);
  ASSERT_FALSE(expected.empty());
  const auto decoder = two_types.bind(*team, std::nullopt);
  ASSERT_NE(decoder, nullptr);
  EXPECT_EQ(decoder->weights().layers[0].qkv.size(), 2u);
  EXPECT_EQ(decoder->weights().layers[0].gate_up.size(), 2u);
  EXPECT_EQ(decoder->weights().layers[1].gate_up.size(), 1u);
  EXPECT_EQ(decoder->weights().main_type(), matmul::Type::f32);
  EXPECT_EQ(run_alone(*decoder, ids, 30), expected);
}

// Texts of several lengths, some with a prompt's chunk and some with one token, in one pass after the other.
TEST_P(DecoderTest, HasTheSameBitsAloneAndAmongOthers) {
  TestDecoder model(GetParam());
  const auto team = team_of(2);
  const auto decoder = model.bind(*team);
  const auto vocabulary = static_cast<size_t>(model.config.vocabulary);
  constexpr size_t kTexts = 4, kChunks[kTexts] = {1, 30, 3, 70};
  std::vector<std::vector<int32_t>> ids;
  std::vector<std::vector<float>> expected, found(kTexts);
  ops::KvPool pool(decoder->kv_shape(ops::KvType::f16));
  std::vector<ops::KvText> texts;
  for (size_t i = 0; i < kTexts; ++i) {
    ids.push_back(random_ids(100, model.config.vocabulary, static_cast<uint32_t>(i)));
    expected.push_back(run_alone(*decoder, ids.back(), 100, ops::KvType::f16));
    texts.emplace_back(pool);
  }
  for (bool more = true; more;) {
    more = false;
    std::vector<int32_t> tokens;
    std::vector<int64_t> offsets = {0}, rows;
    std::vector<ops::KvText*> batch;
    std::vector<size_t> of;
    for (size_t i = 0; i < kTexts; ++i) {
      const auto at = static_cast<size_t>(texts[i].length()), count = std::min(kChunks[i], ids[i].size() - at);
      if (count == 0) continue;
      more = true;
      tokens.insert(tokens.end(), ids[i].begin() + texts[i].length(),
                    ids[i].begin() + static_cast<std::ptrdiff_t>(at + count));
      for (size_t j = 0; j < count; ++j) rows.push_back(offsets.back() + static_cast<int64_t>(j)), of.push_back(i);
      offsets.push_back(static_cast<int64_t>(tokens.size()));
      batch.push_back(&texts[i]);
    }
    if (!more) break;
    std::vector<float> logits(rows.size() * vocabulary);
    const auto ran = decoder->run({.tokens = {tokens, offsets}, .texts = batch, .rows = rows, .logits = logits.data()});
    ASSERT_TRUE(ran.ok()) << ran.status().message();
    for (size_t row = 0; row < rows.size(); ++row)
      found[of[row]].insert(found[of[row]].end(), logits.begin() + static_cast<std::ptrdiff_t>(row * vocabulary),
                            logits.begin() + static_cast<std::ptrdiff_t>((row + 1) * vocabulary));
  }
  for (size_t i = 0; i < kTexts; ++i) EXPECT_EQ(found[i], expected[i]) << "text " << i;
}

TEST_P(DecoderTest, HasTheSameBitsBehindASharedBeginning) {
  TestDecoder model(GetParam());
  const auto team = team_of(2);
  const auto decoder = model.bind(*team);
  const auto vocabulary = static_cast<size_t>(model.config.vocabulary);
  auto ids = random_ids(100, model.config.vocabulary, 5);
  ops::KvPool pool(decoder->kv_shape(ops::KvType::f16));
  ops::KvText first(pool);
  const auto run = [&](ops::KvText& text, std::span<const int32_t> tokens) {
    ops::KvText* const texts[] = {&text};
    const int64_t offsets[] = {0, static_cast<int64_t>(tokens.size())}, rows[] = {offsets[1] - 1};
    std::vector<float> logits(vocabulary);
    EXPECT_TRUE(
        decoder->run({.tokens = {tokens, offsets}, .texts = texts, .rows = rows, .logits = logits.data()}).ok());
    return logits;
  };
  run(first, ids);
  for (const int64_t shared : {1, 63, 64, 80, 99}) {
    ops::KvText second = first.fork(shared);
    auto other = std::vector<int32_t>(ids.begin(), ids.begin() + shared);
    const auto rest = random_ids(20, model.config.vocabulary, static_cast<uint32_t>(shared));
    other.insert(other.end(), rest.begin(), rest.end());
    const auto expected = run_alone(*decoder, other, 50, ops::KvType::f16);
    EXPECT_EQ(run(second, rest),
              std::vector<float>(expected.end() - static_cast<std::ptrdiff_t>(vocabulary), expected.end()));
  }
  const int32_t next[] = {3};  // and nobody wrote into what they shared
  ids.push_back(3);
  const auto expected = run_alone(*decoder, ids, 101, ops::KvType::f16);
  EXPECT_EQ(run(first, next),
            std::vector<float>(expected.end() - static_cast<std::ptrdiff_t>(vocabulary), expected.end()));
}

TEST(Decoder, ACancelledPassLeavesTheTextsAsTheyWere) {
  TestDecoder model("llama");
  const auto team = team_of(2);
  const auto decoder = model.bind(*team);
  const auto ids = random_ids(80, model.config.vocabulary, 1);
  const auto vocabulary = static_cast<size_t>(model.config.vocabulary);
  ops::KvPool pool(decoder->kv_shape(ops::KvType::f32));
  ops::KvText text(pool);
  ops::KvText* const texts[] = {&text};
  const int64_t offsets[] = {0, 80}, rows[] = {79};
  std::vector<float> logits(vocabulary, NAN);
  std::atomic<bool> cancel{true};
  const DecoderBatch batch = {
      .tokens = {ids, offsets}, .texts = texts, .rows = rows, .logits = logits.data(), .cancel = &cancel};
  for (const ops::Dispatch dispatch : {ops::Dispatch::model, ops::Dispatch::layer, ops::Dispatch::op}) {
    decoder->set_dispatch(dispatch);
    const auto cancelled = decoder->run(batch);
    ASSERT_TRUE(cancelled.ok());
    EXPECT_EQ(*cancelled, PassOutcome::cancelled);
    EXPECT_EQ(text.length(), 0);
    EXPECT_TRUE(std::isnan(logits[0]));
  }
  cancel = false;
  EXPECT_EQ(*decoder->run(batch), PassOutcome::done);
  EXPECT_EQ(text.length(), 80);
  const auto expected = run_alone(*decoder, ids, 80);
  EXPECT_EQ(logits, std::vector<float>(expected.end() - static_cast<std::ptrdiff_t>(vocabulary), expected.end()));
}

TEST(Decoder, RefusesWhatItCannotDoInASentence) {
  TestDecoder model("qwen3");
  const auto team = team_of(1);
  const auto decoder = model.bind(*team);
  ops::KvPool pool(decoder->kv_shape(ops::KvType::f16));
  ops::KvText text(pool);
  ops::KvText* const texts[] = {&text};
  float logits[70];
  const auto error = [&](std::vector<int32_t> ids, std::vector<int64_t> offsets, std::vector<int64_t> rows) {
    const auto ran = decoder->run({.tokens = {ids, offsets}, .texts = texts, .rows = rows, .logits = logits});
    EXPECT_FALSE(ran.ok());
    EXPECT_EQ(text.length(), 0);
    return ran.status().message();
  };
  EXPECT_EQ(error({1, 70}, {0, 2}, {}), "token 70 is none of the model's 70");
  EXPECT_EQ(error({1, -1}, {0, 2}, {}), "token -1 is none of the model's 70");
  EXPECT_NE(error({1, 1}, {0, 1}, {}).find("offsets"), std::string::npos);
  EXPECT_NE(error({1, 1}, {0, 2}, {2}).find("logits are wanted of token 2"), std::string::npos);
  EXPECT_NE(error(random_ids(401, 70, 1), {0, 401}, {}).find("would have 401 tokens, needed: at most the model's 400"),
            std::string::npos);
}

TEST(Decoder, NamesTheTensorThatIsMissing) {
  TestDecoder model("llama");
  model.config.qkv_bias = true;
  const TensorTable table = model.table();
  const auto weights = DecoderWeights::bind(model.config, table, matmul::Type::f32, nullptr);
  ASSERT_FALSE(weights.ok());
  EXPECT_NE(weights.status().message().find("model.layers.0.self_attn.q_proj.bias"), std::string::npos)
      << weights.status().message();
}

}  // namespace
}  // namespace lathe::models
