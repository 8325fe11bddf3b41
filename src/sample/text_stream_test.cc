#include "sample/text_stream.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/test_files.h"
#include "sample/random.h"
#include "tokenize/test_json.h"
#include "tokenize/utf8.h"

namespace lathe::sample {
namespace {

using tokenize::Tokenizer;

// The 256 pieces <0x00> to <0xFF>, decoded as in Llama 2's tokenizer.json.
Tokenizer byte_pieces() {
  tokenize::TestJson vocab = tokenize::TestJson::object();
  for (int i = 0; i < 256; ++i) vocab[fmt::format("<0x{:02X}>", i)] = i;
  vocab["\xE2\x96\x81the"] = 256;
  return tokenize::tokenizer_of(
      {{"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", tokenize::TestJson::array()}, {"byte_fallback", true}}},
       {"added_tokens", {{{"id", 257}, {"content", "</s>"}, {"special", true}}}},
       {"decoder",
        {{"type", "Sequence"},
         {"decoders",
          {{{"type", "Replace"}, {"pattern", {{"String", "\xE2\x96\x81"}}}, {"content", " "}},
           {{"type", "ByteFallback"}},
           {{"type", "Fuse"}},
           {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}}}}}}});
}

StopStrings stops_of(const std::vector<std::string>& strings) {
  auto stops = StopStrings::create(strings);
  EXPECT_TRUE(stops.ok()) << stops.status().message();
  return *std::move(stops);
}

std::vector<std::string> pieces_of(TextStream& stream, const std::vector<int32_t>& ids) {
  std::vector<std::string> pieces;
  for (const int32_t id : ids) {
    pieces.emplace_back();
    EXPECT_TRUE(stream.push(id, pieces.back()).ok());
  }
  pieces.emplace_back();
  stream.finish(pieces.back());
  return pieces;
}
std::vector<int32_t> bytes_as_ids(std::string_view text) {
  std::vector<int32_t> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}
std::string joined(const std::vector<std::string>& pieces) {
  std::string all;
  for (const std::string& piece : pieces) {
    EXPECT_TRUE(tokenize::is_valid_utf8(piece));
    all += piece;
  }
  return all;
}

TEST(TextStream, HoldsBackPartsOfCharacters) {
  const Tokenizer tokenizer = byte_pieces();
  TextStream stream(tokenizer);
  EXPECT_EQ(pieces_of(stream, bytes_as_ids("a\xC3\xA9\xF0\x9F\x98\x80")),
            (std::vector<std::string>{"a", "", "\xC3\xA9", "", "", "", "\xF0\x9F\x98\x80", ""}));
  TextStream other(tokenizer);
  EXPECT_EQ(pieces_of(other, {256, 257, 256}), (std::vector<std::string>{" the", "", " the", ""}));
  TextStream shown(tokenizer, {}, true);
  EXPECT_EQ(pieces_of(shown, {256, 257}), (std::vector<std::string>{" the", "</s>", ""}));
}

TEST(TextStream, BytesThatAreNoText) {
  const Tokenizer tokenizer = byte_pieces();
  for (const char* text : {"\xFF", "\xC3(", "\xE2\x82", "\xF0\x9F\x98", "\xF0\x9F\xF0\x9F\x98\x80", "\xE0\x80\x80",
                           "\x80\x80z", "\xED\xA0\x80", "\xC0\xAF"}) {
    std::string whole;
    tokenize::append_valid(text, whole);
    TextStream stream(tokenizer);
    EXPECT_EQ(joined(pieces_of(stream, bytes_as_ids(text))), whole);
  }
}

TEST(TextStream, RandomBytesGiveTheWholeTextMended) {
  const Tokenizer tokenizer = byte_pieces();
  const std::string_view kinds("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xFF ", 13);
  for (uint64_t seed = 0; seed < 500; ++seed) {
    std::string text, whole;
    for (uint64_t i = 0; i < 40; ++i) text += kinds[random_below(seed, i, kinds.size())];
    tokenize::append_valid(text, whole);
    TextStream stream(tokenizer);
    EXPECT_EQ(joined(pieces_of(stream, bytes_as_ids(text))), whole);
  }
}

TEST(TextStream, StopsAcrossTokens) {
  const Tokenizer tokenizer = byte_pieces();
  TextStream stream(tokenizer, stops_of({"STOP", "\n\n"}));
  EXPECT_EQ(pieces_of(stream, bytes_as_ids("aSTxSTOPyz")),
            (std::vector<std::string>{"a", "", "", "STx", "", "", "", "", "", "", ""}));
  EXPECT_TRUE(stream.stopped());
  TextStream open(tokenizer, stops_of({"STOP"}));
  EXPECT_EQ(pieces_of(open, bytes_as_ids("xSTO")), (std::vector<std::string>{"x", "", "", "", "STO"}));
  EXPECT_FALSE(open.stopped());
}

TEST(TextStream, TheStopThatEndsFirstCounts) {
  const Tokenizer tokenizer = byte_pieces();
  const auto text_before = [&](const std::vector<std::string>& stops, std::string_view text) {
    TextStream stream(tokenizer, stops_of(stops));
    return joined(pieces_of(stream, bytes_as_ids(text)));
  };
  EXPECT_EQ(text_before({"abcd", "bc"}, "xabcd"), "xa");
  EXPECT_EQ(text_before({"abc", "bc"}, "xabcd"), "x");
  EXPECT_EQ(text_before({"aab"}, "aaaab"), "aa");
  EXPECT_EQ(text_before({"\xC3\xA9t"}, "\xC3\xA9\xC3\xA9t\xC3\xA9"), "\xC3\xA9");
}

// Against the search of every prefix, on texts of two letters.
TEST(StopStrings, AgreeWithPlainSearch) {
  const Tokenizer tokenizer = byte_pieces();
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    uint64_t draws = 0;
    const auto word = [&](uint64_t most) {
      std::string made;
      for (uint64_t left = 1 + random_below(seed, draws++, most); left > 0; --left)
        made += "ab"[random_below(seed, draws++, 2)];
      return made;
    };
    const std::vector<std::string> strings = {word(5), word(5), word(5)};
    const std::string text = word(40);
    std::string expected = text;
    for (size_t end = 1; end <= text.size() && expected == text; ++end)
      for (size_t begin = 0; begin < end && expected == text; ++begin)
        for (const auto& one : strings)
          if (text.substr(begin, end - begin) == one) expected = text.substr(0, begin);
    TextStream stream(tokenizer, stops_of(strings));
    EXPECT_EQ(joined(pieces_of(stream, bytes_as_ids(text))), expected);
  }
}

TEST(StopStrings, RefusesWhatItCannotTake) {
  const auto message = [](const std::vector<std::string>& strings) {
    return StopStrings::create(strings).status().message();
  };
  EXPECT_EQ(message({""}), "a stop string has 0 bytes, needed: 1 to 4096");
  EXPECT_EQ(message({std::string(5000, 'x')}), "a stop string has 5000 bytes, needed: 1 to 4096");
  EXPECT_EQ(message(std::vector<std::string>(65, "x")), "65 stop strings were given, at most 64 are taken");
  EXPECT_EQ(message(std::vector<std::string>(5, std::string(4000, 'x'))),
            "the stop strings have 20000 bytes together, at most 16384 are taken");
  EXPECT_EQ(message({"\xFF"}).substr(0, 15), "the stop string");
}

TEST(TextStream, UnknownToken) {
  const Tokenizer tokenizer = byte_pieces();
  std::string out;
  EXPECT_EQ(TextStream(tokenizer).push(9999, out).message(), "id 9999 is not of test.json, whose ids are 0 to 257");
}

class RealTokenizer : public ::testing::TestWithParam<const char*> {};
TEST_P(RealTokenizer, StreamsWhatItEncoded) {
  if (!std::filesystem::exists(test_data(GetParam()))) GTEST_SKIP() << test_data(GetParam()) << " is absent";
  const auto tokenizer = Tokenizer::load(test_data(GetParam()));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  const std::string text =
      " Caf\xC3\xA9, \xE6\x88\x91\xE6\x83\xB3 1234 \xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9\n\n\tdef f(x):  return "
      "\xD0\x9F\xD1\x80\xD0\xB8 \xE0\xB8\x97\xE0\xB8\xB5\xE0\xB9\x88 \xF0\x9D\x84\x9E";
  const auto ids = tokenizer->encode(text, {.add_special = false});
  ASSERT_TRUE(ids.ok());
  TextStream stream(*tokenizer);
  std::string streamed = joined(pieces_of(stream, ids->ids));
  if (streamed.starts_with("  ")) streamed.erase(0, 1);  // SentencePiece puts one before a text
  EXPECT_EQ(streamed, text);
}
INSTANTIATE_TEST_SUITE_P(TextStream, RealTokenizer,
                         ::testing::Values("tokenizers/gpt2", "tokenizers/qwen2", "tokenizers/llama2"));

}  // namespace
}  // namespace lathe::sample
