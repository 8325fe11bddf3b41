// The parts that models stand on, against simple versions of themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tokenize/byte_alphabet.h"
#include "tokenize/merge.h"
#include "tokenize/space_cuts.h"
#include "tokenize/trie.h"
#include "tokenize/unicode.h"
#include "tokenize/utf8.h"
#include "tokenize/vocab.h"
#include "tokenize/word_cache.h"

namespace lathe::tokenize {
namespace {

std::string random_text(std::mt19937& random, size_t longest, const char* letters = "abc") {
  std::string text;
  const size_t length = random() % (longest + 1), kinds = std::string_view(letters).size();
  for (size_t i = 0; i < length; ++i) text += letters[random() % kinds];
  return text;
}

std::string mended(std::string_view text) {
  std::string out;
  append_valid(text, out);
  return out;
}

TEST(Utf8, MendsMaximalInvalidParts) {
  const std::string mark = "\xEF\xBF\xBD";
  EXPECT_EQ(mended("a\x80z"), "a" + mark + "z");
  EXPECT_EQ(mended("\xE2\x82z"), mark + "z");                        // a truncated sequence is one
  EXPECT_EQ(mended("\xF0\x9F\x98"), mark);                           // at the end too
  EXPECT_EQ(mended("\xC0\xAF"), mark + mark);                        // overlong
  EXPECT_EQ(mended("\xED\xA0\x80"), mark + mark + mark);             // a surrogate
  EXPECT_EQ(mended("\xF4\x90\x80\x80"), mark + mark + mark + mark);  // beyond U+10FFFF
  EXPECT_EQ(mended("\xE2\x82\xE2\x82\xAC"), mark + "\xE2\x82\xAC");
  EXPECT_FALSE(is_valid_utf8("0123456789\xFF"));
  EXPECT_TRUE(is_valid_utf8("0123456789\xF0\x9F\x98\x80"));
}

std::string normalized(std::string_view text, Form form) {
  std::vector<int32_t> scratch;
  std::string out;
  append_normalized(text, form, scratch, out);
  return out;
}

TEST(Unicode, NormalForms) {
  EXPECT_EQ(normalized("caf\xC3\xA9 x", Form::nfd), "cafe\xCC\x81 x");
  EXPECT_EQ(normalized("cafe\xCC\x81 x", Form::nfc), "caf\xC3\xA9 x");
  EXPECT_EQ(normalized("a\xCC\x81\xCC\xA8", Form::nfd), "a\xCC\xA8\xCC\x81");  // marks in canonical order
  EXPECT_EQ(normalized("\xEF\xAC\x81", Form::nfkc), "fi");
  EXPECT_EQ(normalized("\xEF\xAC\x81", Form::nfc), "\xEF\xAC\x81");
  EXPECT_EQ(normalized("\xED\x95\x9C", Form::nfd), "\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB");
  EXPECT_EQ(normalized("\xE1\x84\x92\xE1\x85\xA1\xE1\x86\xAB", Form::nfc), "\xED\x95\x9C");
  EXPECT_EQ(normalized("\xE0\xA5\x98", Form::nfc), "\xE0\xA4\x95\xE0\xA4\xBC");  // a composition that is excluded
}

// A bubble sort would take 10^11 steps here.
TEST(Unicode, LongRunsOfMarksAreNotQuadratic) {
  std::string text = "a";
  for (int i = 0; i < 300'000; ++i) text += i % 2 ? "\xCC\x81" : "\xCC\xA8";
  const std::string out = normalized(text, Form::nfd);
  EXPECT_EQ(out.size(), text.size());
  EXPECT_EQ(out.substr(0, 5), "a\xCC\xA8\xCC\xA8");
}

TEST(Unicode, LowerCaseOfOneCodePoint) {
  std::string out;
  append_lower(0x130, out);
  EXPECT_EQ(out, "i\xCC\x87");
  EXPECT_EQ(simple_lower(0x3A3), 0x3C3u);  // no final sigma
}

TEST(ByteAlphabet, GoesThereAndBack) {
  EXPECT_EQ(byte_alphabet()[' '], "\xC4\xA0");
  for (int byte = 0; byte < 256; ++byte)
    EXPECT_EQ(byte_of(first_code_point(byte_alphabet()[static_cast<size_t>(byte)]).value), byte);
  EXPECT_EQ(byte_of(0x144), -1);
  EXPECT_EQ(byte_of(' '), -1);
}

TEST(Trie, FindsWhatALinearSearchFinds) {
  std::mt19937 random(1);
  std::vector<std::string> texts;
  for (int i = 0; i < 400; ++i) texts.push_back(random_text(random, 6, "ab\xE2\xFF"));
  std::vector<Trie::Key> keys;
  for (size_t i = 0; i < texts.size(); ++i) keys.push_back({texts[i], static_cast<int32_t>(i)});
  const Trie trie(keys);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_text(random, 10, "ab\xE2\xFF");
    std::vector<std::string> found, expected;
    trie.prefixes(text, [&](size_t length, int32_t value) {
      found.push_back(text.substr(0, length));
      EXPECT_EQ(texts[static_cast<size_t>(value)], found.back());
    });
    for (size_t length = 1; length <= text.size(); ++length)
      if (std::find(texts.begin(), texts.end(), text.substr(0, length)) != texts.end())
        expected.push_back(text.substr(0, length));
    EXPECT_EQ(found, expected);
  }
  EXPECT_EQ(Trie().longest("abc").first, 0u);
}

TEST(PieceIndex, FindsPiecesAndNothingElse) {
  const std::vector<std::string_view> pieces{"a", "##a", "ab", "", "##", "a"};
  const Vocab vocab(pieces);
  const std::vector<int32_t> all{0, 1, 2, 3, 4, 5}, continuing{1};
  const PieceIndex index(vocab, all), rest(vocab, continuing, 2);
  EXPECT_EQ(index.find("a"), 5);  // the later of two
  EXPECT_EQ(index.find("ab"), 2);
  EXPECT_EQ(index.find("b"), -1);
  EXPECT_EQ(index.find("a text longer than every piece"), -1);
  EXPECT_EQ(rest.find("a"), 1);
  EXPECT_EQ(rest.find("##a"), -1);
  EXPECT_EQ(PieceIndex().find("a"), -1);
}

// Merges of random pairs, by the heap and by scanning, must agree.
TEST(Merge, LongAndShortWordsFollowOneRule) {
  std::mt19937 random(2);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::vector<Merge>> table(12, std::vector<Merge>(12, {kNoMerge, -1}));
    int32_t next = 3;
    for (uint32_t rank = 0; next < 12; ++rank, ++next) {
      const auto known = static_cast<uint32_t>(next);
      table[random() % known][random() % known] = {rank, next};
    }
    std::vector<Symbol> a;
    const size_t length = 1 + random() % 60;
    for (uint32_t i = 0; i < length; ++i) a.push_back({static_cast<int32_t>(random() % 3), i, 1, 0, 0});
    std::vector<Symbol> b = a;
    std::vector<Candidate> memory;
    const auto find = [&table](const Symbol& x, const Symbol& y) {
      return table[static_cast<size_t>(x.id)][static_cast<size_t>(y.id)];
    };
    merging::merge_short(a, memory, find);
    merging::merge_long(b, memory, find);
    ASSERT_EQ(a.size(), b.size());
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a[i].id, b[i].id);
      EXPECT_EQ(a[i].begin, b[i].begin);
      EXPECT_EQ(a[i].length, b[i].length);
    }
  }
}

TEST(SpaceCuts, NeverDividesAPiece) {
  const std::string mark(kSpaceMark);
  SpaceCuts cuts;
  cuts.allow_for(mark + mark + "a");
  EXPECT_EQ(cuts.part_end("x" + mark + mark + "a", 0), 1u);
  EXPECT_EQ(cuts.part_end(mark + mark + "a" + mark + "b", 0), 7u);
  cuts.allow_for("a" + mark + "b");
  EXPECT_EQ(cuts.part_end(mark + "a" + mark + "b" + mark, 0), 8u);
}

TEST(WordCache, ForgetsButNeverConfuses) {
  std::mt19937 random(3);
  WordCache cache;
  cache.enable();
  std::vector<int32_t> out;
  size_t known = 0;
  for (int i = 0; i < 100'000; ++i) {
    const std::string word = random_text(random, 12);
    std::vector<int32_t> expected(word.begin(), word.end());
    expected.resize(std::min<size_t>(expected.size(), WordCache::kMostIds));
    out.clear();
    if (cache.append_known(word, out)) {
      ++known;
      ASSERT_EQ(out, expected);
    } else {
      cache.remember(word, expected);
    }
  }
  EXPECT_GT(known, 1000u);
  cache.remember(std::string(WordCache::kLongestWord + 1, 'a'), {});
  EXPECT_FALSE(cache.append_known(std::string(WordCache::kLongestWord + 1, 'a'), out));
}

}  // namespace
}  // namespace lathe::tokenize
