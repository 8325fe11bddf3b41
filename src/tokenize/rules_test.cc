// The rules of the reference implementations, each with a vocabulary just large enough to see it.
#include <gtest/gtest.h>

#include <random>

#include "tokenize/test_json.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

using Pieces = std::vector<std::string>;

const Pieces kWords{"[UNK]",  "[CLS]", "[SEP]", "[MASK]",       "un", "##aff",
                    "##able", "cafe",  "!",     "\xE6\x88\x91", "a",  "##b"};

TEST(WordPieceRules, LongestPieceFromTheLeftElseUnknown) {
  const Tokenizer t = tokenizer_of(wordpiece_json(kWords));
  EXPECT_EQ(encode_pieces(t, "unaffable"), (Pieces{"un", "##aff", "##able"}));
  EXPECT_EQ(encode_pieces(t, "unaffablex"), Pieces{"[UNK]"});
  EXPECT_EQ(encode_pieces(t, "aff"), Pieces{"[UNK]"});
  EXPECT_EQ(encode_pieces(t, "CAF\xC3\x89!a"), (Pieces{"cafe", "!", "a"}));
  EXPECT_EQ(encode_pieces(t, "a\xE6\x88\x91un"), (Pieces{"a", "\xE6\x88\x91", "un"}));
  EXPECT_EQ(encode_pieces(t, std::string("u\0n\x01\xEF\xBB\xBF", 7)), Pieces{"un"});  // NUL, control, BOM are dropped
  EXPECT_EQ(encode_pieces(t, ""), Pieces{});
  EXPECT_EQ(encode_pieces(t, "\xFF"), Pieces{});  // mended to U+FFFD, which BERT drops
}

TEST(WordPieceRules, AWordOfMoreThanAHundredCodePointsIsUnknown) {
  const Tokenizer t = tokenizer_of(wordpiece_json(kWords));
  EXPECT_EQ(encode_pieces(t, "a" + std::string(99, 'b')).size(), 100u);
  EXPECT_EQ(encode_pieces(t, "a" + std::string(100, 'b')), Pieces{"[UNK]"});
  EXPECT_EQ(encode_pieces(t, std::string(10'000'000, 'b')), Pieces{"[UNK]"});
}

// The one pass over a text and the two steps one after another.
TEST(BertRulesTest, OnePassEqualsTheSteps) {
  const Pieces parts{"a",
                     "B",
                     "ab",
                     " ",
                     "!",
                     "\n",
                     "\xC3\xA9",
                     "e\xCC\x81",
                     "\xCC\xA8",
                     "\xE6\x88\x91",
                     "\xC4\xB0",
                     "\xE2\x80\x83",
                     "\xEF\xBC\xA1",
                     "\xC2\xAD",
                     "\xE3\x80\xAE",
                     "\xF0\x9F\x98\x80",
                     "\t",
                     "\x0B",
                     std::string(1, '\0')};
  std::mt19937 random(5);
  for (int rules = 0; rules < 16; ++rules) {
    TestJson one = wordpiece_json(kWords);
    // A word for every code point: pieces show exactly what became of the text.
    TestJson& vocab = one["model"]["vocab"];
    for (const std::string first : {"", "##"})
      for (uint32_t c : {0x61u, 0x62u, 0x41u, 0x42u, 0x65u, 0x69u, 0xE9u, 0x301u, 0x307u, 0x328u, 0x302Eu, 0xFF21u,
                         0xFF41u, 0xADu, 0xBu, 0x130u, 0x1F600u}) {
        std::string piece = first;
        append_code_point(c, piece);
        if (!vocab.contains(piece)) vocab[piece] = vocab.size();
      }
    one["normalizer"] = {{"type", "BertNormalizer"},
                         {"clean_text", (rules & 1) != 0},
                         {"handle_chinese_chars", (rules & 2) != 0},
                         {"strip_accents", (rules & 4) != 0},
                         {"lowercase", (rules & 8) != 0}};
    TestJson two = one;
    two["normalizer"] = {
        {"type", "Sequence"},
        {"normalizers", {one["normalizer"], {{"type", "Strip"}, {"strip_left", false}, {"strip_right", false}}}}};
    const Tokenizer fused = tokenizer_of(one), stepped = tokenizer_of(two);
    for (int i = 0; i < 2000; ++i) {
      std::string text;
      for (size_t n = random() % 12; n > 0; --n) text += parts[random() % parts.size()];
      ASSERT_EQ(encode_pieces(fused, text), encode_pieces(stepped, text)) << rules << testing::PrintToString(text);
    }
  }
}

TestJson unigram_json(bool bytes = false) {
  const auto entry = [](const char* piece, double score) { return TestJson::array({piece, score}); };
  TestJson vocab =
      TestJson::array({entry("<unk>", 0), entry("\xE2\x96\x81", -3), entry("a", -2), entry("b", -2), entry("ab", -3.5),
                       entry("\xE2\x96\x81"
                             "ab",
                             -4)});
  if (bytes)
    for (int byte = 0; byte < 256; ++byte) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", byte);
      vocab.push_back(entry(name, -20));
    }
  return {{"model", {{"type", "Unigram"}, {"unk_id", 0}, {"byte_fallback", bytes}, {"vocab", vocab}}},
          {"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", "\xE2\x96\x81"}, {"prepend_scheme", "always"}}},
          {"decoder", {{"type", "Metaspace"}, {"replacement", "\xE2\x96\x81"}}}};
}

TEST(UnigramRules, TheBestSumWinsAndUnknownRunsAreOne) {
  const Tokenizer t = tokenizer_of(unigram_json());
  EXPECT_EQ(encode_pieces(t, "ab aab"), (Pieces{"\xE2\x96\x81"
                                                "ab",
                                                "\xE2\x96\x81", "a", "ab"}));
  EXPECT_EQ(encode_pieces(t, "axyzb"), (Pieces{"\xE2\x96\x81", "a", "<unk>", "b"}));
  EXPECT_EQ(*t.decode(std::vector<int32_t>{5, 1, 2}), "ab a");
}

TEST(UnigramRules, BytesStandForUnknownText) {
  const Tokenizer t = tokenizer_of(unigram_json(true));
  EXPECT_EQ(encode_pieces(t, "a\xC3\xA9"), (Pieces{"\xE2\x96\x81", "a", "<0xC3>", "<0xA9>"}));
}

TEST(MetaspaceRules, FirstMeansTheBeginningOfTheInput) {
  TestJson json = unigram_json();
  json["added_tokens"] = {{{"id", 6}, {"content", "<x>"}, {"special", true}}};
  json["pre_tokenizer"]["prepend_scheme"] = "first";
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "ab<x>ab"), (Pieces{"\xE2\x96\x81"
                                                                  "ab",
                                                                  "<x>", "ab"}));
  json["pre_tokenizer"]["prepend_scheme"] = "never";
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "ab<x>ab"), (Pieces{"ab", "<x>", "ab"}));
  json["pre_tokenizer"]["prepend_scheme"] = "always";
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "ab<x> ab"), (Pieces{"\xE2\x96\x81"
                                                                   "ab",
                                                                   "<x>",
                                                                   "\xE2\x96\x81"
                                                                   "ab"}));
}

TestJson bpe_json() {
  return {{"model",
           {{"type", "BPE"},
            {"unk_token", "<unk>"},
            {"vocab", vocab_of({"<unk>", "a", "b", "c", "ab", "bc", "abc"})},
            {"merges", {"b c", "a b", "a bc"}}}}};
}

TEST(BpeRules, TheEarliestMergeGoesFirst) {
  TestJson json = bpe_json();
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "abcab"), (Pieces{"abc", "ab"}));
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "axyb"), (Pieces{"a", "<unk>", "<unk>", "b"}));
  json["model"]["fuse_unk"] = true;
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "axyb"), (Pieces{"a", "<unk>", "b"}));
  json["model"]["merges"] = TestJson::parse(R"([["a", "b"], ["b", "c"]])");
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "abc"), (Pieces{"ab", "c"}));
  json["model"]["ignore_merges"] = true;
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "abc"), Pieces{"abc"});
}

TEST(BpeRules, SuffixOfTheLastSymbol) {
  TestJson json = bpe_json();
  json["model"]["vocab"] = vocab_of({"<unk>", "a", "b", "b</w>", "ab</w>"});
  json["model"]["merges"] = {"a b</w>"};
  json["model"]["end_of_word_suffix"] = "</w>";
  json["pre_tokenizer"] = {{"type", "WhitespaceSplit"}};
  json["decoder"] = {{"type", "BPEDecoder"}, {"suffix", "</w>"}};
  const Tokenizer t = tokenizer_of(json);
  EXPECT_EQ(encode_pieces(t, "ab bab"), (Pieces{"ab</w>", "b", "ab</w>"}));
  EXPECT_EQ(*t.decode(std::vector<int32_t>{4, 2, 4}), "ab bab");
}

TEST(BpeRules, WordsCutAtSpacesEqualTheWhole) {
  // A piece across the mark forbids the cut.
  TestJson json = bpe_json();
  json["normalizer"] = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\xE2\x96\x81"}};
  json["model"]["vocab"] = vocab_of({"<unk>", "a", "b", "\xE2\x96\x81", "a\xE2\x96\x81",
                                     "a\xE2\x96\x81"
                                     "b"});
  json["model"]["merges"] = {"a \xE2\x96\x81", "a\xE2\x96\x81 b"};
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "b a b"), (Pieces{"b", "\xE2\x96\x81",
                                                                "a\xE2\x96\x81"
                                                                "b"}));
}

TestJson added(int id, const char* content, TestJson more = TestJson::object()) {
  TestJson token = {{"id", id}, {"content", content}, {"special", true}, {"normalized", false}};
  token.update(more);
  return token;
}

TEST(AddedTokenRules, FoundInTextWithTheSpacesTheyTake) {
  TestJson json = wordpiece_json(kWords);
  json["added_tokens"] = {added(2, "[SEP]"), added(3, "[MASK]", {{"lstrip", true}, {"rstrip", true}})};
  const Tokenizer t = tokenizer_of(json);
  EXPECT_EQ(encode_pieces(t, "a[SEP]a  [MASK] a"), (Pieces{"a", "[SEP]", "a", "[MASK]", "a"}));
  EXPECT_EQ(encode_pieces(t, "[sep]"), (Pieces{"[UNK]", "[UNK]", "[UNK]"}));
  EXPECT_EQ(encode_pieces(t, "[SEP]", {.allow_special = false}), (Pieces{"[UNK]", "[UNK]", "[UNK]"}));
}

TEST(AddedTokenRules, LongestOfThoseThatBeginTogetherAndSingleWords) {
  TestJson json = wordpiece_json(kWords);
  json["added_tokens"] = {added(12, "<a"), added(13, "<a>"), added(14, "qq", {{"single_word", true}})};
  const Tokenizer t = tokenizer_of(json);
  EXPECT_EQ(encode_pieces(t, "<a><a"), (Pieces{"<a>", "<a"}));
  EXPECT_EQ(encode_pieces(t, "qq qqa"), (Pieces{"qq", "[UNK]"}));
}

TEST(AddedTokenRules, ANormalizedTokenIsFoundInTheNormalizedText) {
  TestJson json = wordpiece_json(kWords);
  json["added_tokens"] = {added(12, "QuX", {{"normalized", true}, {"special", false}})};
  EXPECT_EQ(encode_pieces(tokenizer_of(json), "a qUx"), (Pieces{"a", "QuX"}));
}

TestJson with_template(TestJson json) {
  json["post_processor"] = {
      {"type", "TemplateProcessing"},
      {"single",
       {{{"SpecialToken", {{"id", "[CLS]"}}}}, {{"Sequence", {{"id", "A"}}}}, {{"SpecialToken", {{"id", "[SEP]"}}}}}},
      {"special_tokens", {{"[CLS]", {{"ids", {1}}}}, {"[SEP]", {{"ids", {2}}}}}}};
  return json;
}

TEST(TemplateRules, AroundTheTextAndCountedByTruncation) {
  const Tokenizer t = tokenizer_of(with_template(wordpiece_json(kWords)));
  EXPECT_EQ(encode_pieces(t, "a un"), (Pieces{"[CLS]", "a", "un", "[SEP]"}));
  EXPECT_EQ(encode_pieces(t, "a un", {.add_special = false}), (Pieces{"a", "un"}));
  const auto cut = t.encode("a un a", {.max_tokens = 4});
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->ids, (std::vector<int32_t>{1, 10, 4, 2}));
  EXPECT_TRUE(cut->truncated);
  EXPECT_EQ(cut->tokens, 5);
  EXPECT_FALSE(t.encode("a un", {.max_tokens = 4})->truncated);
  EXPECT_FALSE(t.encode("a", {.max_tokens = 1}).ok());
  EXPECT_EQ(t.special().cls, 1);
  EXPECT_EQ(t.added_by_template(), 2);
}

TEST(TemplateRules, BertAndRobertaProcessing) {
  for (const char* type : {"BertProcessing", "RobertaProcessing"}) {
    TestJson json = wordpiece_json(kWords);
    json["post_processor"] = {{"type", type}, {"cls", {"[CLS]", 1}}, {"sep", {"[SEP]", 2}}};
    EXPECT_EQ(encode_pieces(tokenizer_of(json), "a"), (Pieces{"[CLS]", "a", "[SEP]"}));
  }
}

TEST(DecoderRules, WordPieceJoinsAndCleansUp) {
  const Tokenizer t = tokenizer_of(wordpiece_json(kWords));
  EXPECT_EQ(*t.decode(std::vector<int32_t>{4, 5, 10, 8}), "unaff a!");
  EXPECT_FALSE(t.decode(std::vector<int32_t>{12}).ok());
  EXPECT_FALSE(t.decode(std::vector<int32_t>{-1}).ok());
}

// Every word is one unknown token.
std::vector<int32_t> words_of(const TestJson& pre_tokenizer, const std::string& text) {
  const TestJson model = {{"type", "WordPiece"}, {"vocab", vocab_of({"[UNK]"})}};
  return tokenizer_of({{"model", model}, {"pre_tokenizer", pre_tokenizer}}).encode(text)->ids;
}

TEST(PreTokenizerRules, CountOfWords) {
  EXPECT_EQ(words_of({{"type", "Whitespace"}}, "a-b, c_d").size(), 5u);
  EXPECT_EQ(words_of({{"type", "WhitespaceSplit"}}, " a-b,  c_d ").size(), 2u);
  EXPECT_EQ(words_of({{"type", "Digits"}, {"individual_digits", true}}, "a12b").size(), 4u);
  EXPECT_EQ(words_of({{"type", "Digits"}, {"individual_digits", false}}, "a12b").size(), 3u);
  EXPECT_EQ(words_of({{"type", "Punctuation"}}, "a!!b").size(), 4u);
  EXPECT_EQ(words_of({{"type", "Punctuation"}, {"behavior", "Contiguous"}}, "a!!b").size(), 3u);
  EXPECT_EQ(words_of({{"type", "Punctuation"}, {"behavior", "Removed"}}, "a!!b").size(), 2u);
  EXPECT_EQ(words_of({{"type", "Punctuation"}, {"behavior", "MergedWithPrevious"}}, "a!!b").size(), 3u);
  EXPECT_EQ(words_of({{"type", "Punctuation"}, {"behavior", "MergedWithNext"}}, "a!b!").size(), 3u);
  EXPECT_EQ(
      words_of({{"type", "Split"}, {"pattern", {{"Regex", "\\d{1,3}"}}}, {"behavior", "Isolated"}}, "a1234b").size(),
      4u);
  EXPECT_EQ(words_of({{"type", "Split"}, {"pattern", {{"String", "."}}}, {"behavior", "Removed"}}, "a.b.cd").size(),
            3u);
  EXPECT_EQ(words_of({{"type", "Split"}, {"pattern", {{"Regex", "\\w+"}}}, {"behavior", "Removed"}, {"invert", true}},
                     "a.b.cd")
                .size(),
            3u);
}

std::string normalized_by(const TestJson& normalizer, std::string_view text) {
  // A piece for each code point, and nothing merges: decoding shows the normalized text.
  TestJson json = {{"model", {{"type", "BPE"}, {"vocab", TestJson::object()}, {"merges", TestJson::array()}}},
                   {"normalizer", normalizer},
                   {"decoder", {{"type", "Fuse"}}}};
  for (uint32_t c = 0; c < 0x600; ++c) {
    std::string piece;
    append_code_point(c, piece);
    json["model"]["vocab"][piece] = c;
  }
  const Tokenizer t = tokenizer_of(json);
  return *t.decode(t.encode(text)->ids);
}

TEST(NormalizerRules, EachOne) {
  EXPECT_EQ(normalized_by({{"type", "Lowercase"}}, "AbC\xC3\x89"), "abc\xC3\xA9");
  EXPECT_EQ(normalized_by({{"type", "NFD"}}, "\xC3\xA9"), "e\xCC\x81");
  EXPECT_EQ(normalized_by({{"type", "StripAccents"}}, "e\xCC\x81\xC3\xA9"), "e\xC3\xA9");
  EXPECT_EQ(normalized_by({{"type", "Strip"}}, " \xC2\xA0 a b \n"), "a b");
  EXPECT_EQ(normalized_by({{"type", "Strip"}, {"strip_left", false}}, " a "), " a");
  EXPECT_EQ(normalized_by({{"type", "Prepend"}, {"prepend", "_"}}, "a"), "_a");
  EXPECT_EQ(normalized_by({{"type", "Prepend"}, {"prepend", "_"}}, ""), "");
  EXPECT_EQ(normalized_by({{"type", "Replace"}, {"pattern", {{"String", "aa"}}}, {"content", "b"}}, "aaac"), "bac");
  EXPECT_EQ(normalized_by({{"type", "Replace"}, {"pattern", {{"Regex", " {2,}"}}}, {"content", "_"}}, "a   b c"),
            "a_b c");
  EXPECT_EQ(normalized_by({{"type", "Replace"}, {"pattern", {{"Regex", "x*"}}}, {"content", "-"}}, "ab"), "-a-b-");
  EXPECT_EQ(normalized_by({{"type", "Nmt"}}, "a\x01\tb"), "a b");
  EXPECT_EQ(normalized_by({{"type", "ByteLevel"}}, "a b"),
            "a\xC4\xA0"
            "b");
  EXPECT_EQ(normalized_by({{"type", "Sequence"},
                           {"normalizers", {{{"type", "NFD"}}, {{"type", "StripAccents"}}, {{"type", "Lowercase"}}}}},
                          "\xC3\x89x"),
            "ex");
}

TEST(TokenizerApi, SpecialIdsFromTheFilesBeside) {
  const auto t = Tokenizer::from_json("t", wordpiece_json(kWords).dump(),
                                      {.tokenizer_config = R"({"cls_token": {"content": "a"}, "model_max_length": 77})",
                                       .special_tokens_map = R"({"mask_token": "!"})"});
  ASSERT_TRUE(t.ok()) << t.status().message();
  EXPECT_EQ(t->special().cls, 10);
  EXPECT_EQ(t->special().mask, 8);
  EXPECT_EQ(t->special().sep, 2);
  EXPECT_EQ(t->special().pad, -1);
  EXPECT_EQ(t->max_tokens(), 77);
  EXPECT_EQ(t->vocab_size(), 12);
  EXPECT_EQ(t->piece(4), "un");
  EXPECT_EQ(t->piece(99), "");
  EXPECT_EQ(t->id_of("##able"), 6);
  EXPECT_EQ(t->kind(), "WordPiece");
}

// One workspace in turn for two tokenizers that give a word different ids.
TEST(TokenizerApi, AWorkspaceNeverConfusesTokenizers) {
  const Tokenizer a = tokenizer_of(wordpiece_json({"[UNK]", "x", "y"})),
                  b = tokenizer_of(wordpiece_json({"[UNK]", "y", "x"}));
  Workspace work;
  Encoding encoding;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(a.encode("x y", {}, work, encoding).ok());
    EXPECT_EQ(encoding.ids, (std::vector<int32_t>{1, 2}));
    ASSERT_TRUE(b.encode("x y", {}, work, encoding).ok());
    EXPECT_EQ(encoding.ids, (std::vector<int32_t>{2, 1}));
  }
}

// As the Lowercase of the reference before its normalizer: character by character, and not in added tokens.
TEST(LowerCase, ComesBeforeAllElse) {
  TestJson json = wordpiece_json({"[UNK]", "one", "\xCF\x83\xCF\x83", "[SEP]", "ONE"});
  json["normalizer"]["lowercase"] = false;
  json["added_tokens"] = {{{"id", 3}, {"content", "[SEP]"}, {"special", true}}};
  Tokenizer tokenizer = tokenizer_of(json);
  const auto pieces = [&] { return encode_pieces(tokenizer, "ONE one[SEP] \xCE\xA3\xCE\xA3"); };
  EXPECT_EQ(pieces(), (Pieces{"ONE", "one", "[SEP]", "[UNK]"}));
  tokenizer.set_lower_case(true);
  EXPECT_EQ(pieces(), (Pieces{"one", "one", "[SEP]", "\xCF\x83\xCF\x83"}));
}

}  // namespace
}  // namespace lathe::tokenize
