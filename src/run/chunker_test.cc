#include "run/chunker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace lathe::run {
namespace {

// A token a word.
int64_t words(std::string_view text) {
  int64_t count = 0;
  bool inside = false;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\n' || c == '\r';
    count += !blank && !inside;
    inside = !blank;
  }
  return count;
}

std::vector<std::string> texts(std::string_view text, bool markdown, const ChunkLimits& limits) {
  std::vector<std::string> found;
  for (const TextChunk& c : chunk_text(text, markdown, limits, words))
    found.emplace_back(text.substr(static_cast<size_t>(c.begin), static_cast<size_t>(c.end - c.begin)));
  return found;
}

using Texts = std::vector<std::string>;

TEST(Chunker, KeepsParagraphsTogetherWhereTheyFit) {
  EXPECT_EQ(texts("a b\n\nc d\n\ne f g\n", false, {.tokens = 4, .overlap = 0}), (Texts{"a b\n\nc d", "e f g"}));
  // The third line of the second paragraph does not fit: the cut is before the paragraph, which half the room allows.
  EXPECT_EQ(texts("a b\nc\n\nd\ne\nf g\n", false, {.tokens = 6, .overlap = 0}), (Texts{"a b\nc", "d\ne\nf g"}));
  // A cut there would leave too little: it is at a line.
  EXPECT_EQ(texts("a\n\nb c\nd e\nf g\n", false, {.tokens = 6, .overlap = 0}), (Texts{"a\n\nb c\nd e", "f g"}));
  EXPECT_TRUE(texts("", false, {}).empty());
  EXPECT_TRUE(texts(" \n\t\r\n\n", true, {}).empty());
}

TEST(Chunker, RepeatsWholeLinesAsOverlapAndAlwaysGetsOn) {
  EXPECT_EQ(texts("a\nb\nc\nd\ne\n", false, {.tokens = 3, .overlap = 1}), (Texts{"a\nb\nc", "c\nd\ne"}));
  EXPECT_EQ(texts("a b c\nd e f\ng h i\n", false, {.tokens = 3, .overlap = 2}), (Texts{"a b c", "d e f", "g h i"}));
}

TEST(Chunker, HeadingsAreContextAndNeverCrossed) {
  const std::string_view text = "intro\n# One #\nbody\n## Deep\nmore\n# Two\n```\n# no heading\n```\n";
  const auto chunks = chunk_text(text, true, {}, words);
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(chunks[0].heading, "");
  EXPECT_EQ(chunks[1].heading, "One");
  EXPECT_EQ(chunks[2].heading, "One > Deep");
  EXPECT_EQ(chunks[3].heading, "Two");
  EXPECT_EQ(chunks[2].first_line, 5);
  EXPECT_EQ(chunks[3].first_line, 7);
  EXPECT_EQ(chunks[3].last_line, 9);
  EXPECT_EQ(chunk_text(text, false, {}, words).size(), 1u);
  EXPECT_EQ(texts("# Only\n## Headings\n", true, {}), (Texts{"# Only\n## Headings"}));
}

TEST(Chunker, CutsLongLinesAtSentencesBlanksOrCharacters) {
  EXPECT_EQ(texts("a b c d. e f g h", false, {.tokens = 4, .overlap = 0}), (Texts{"a b c d. ", "e f g h"}));
  std::string chinese;
  for (int i = 0; i < 20000; ++i) chinese += "\xe4\xb8\xad";
  const auto bytes = [](std::string_view t) { return static_cast<int64_t>(t.size()); };
  std::string joined;
  for (const TextChunk& c : chunk_text(chinese, false, {.tokens = 50, .overlap = 0}, bytes)) {
    EXPECT_LE(c.end - c.begin, 50);
    EXPECT_EQ((c.end - c.begin) % 3, 0);
    joined += chinese.substr(static_cast<size_t>(c.begin), static_cast<size_t>(c.end - c.begin));
  }
  EXPECT_EQ(joined, chinese);
}

TEST(Chunker, EveryByteOfAnyTextIsInAChunkAndEveryChunkInTheLimit) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 400; ++i) text += "ab. \n\n#\xc3\xa9 "[random() % 10];
    const auto chunks = chunk_text(text, round % 2 == 0, {.tokens = 12, .overlap = 4}, words);
    std::vector<bool> covered(text.size());
    for (const TextChunk& c : chunks) {
      ASSERT_LT(c.begin, c.end);
      ASSERT_LE(c.first_line, c.last_line);
      ASSERT_EQ(c.first_line, 1 + std::count(text.begin(), text.begin() + c.begin, '\n'));
      ASSERT_LE(
          words(std::string_view(text).substr(static_cast<size_t>(c.begin), static_cast<size_t>(c.end - c.begin))), 12);
      std::fill(covered.begin() + c.begin, covered.begin() + c.end, true);
    }
    if (round % 2 == 0) continue;  // headings are left out there
    for (size_t i = 0; i < text.size(); ++i)
      ASSERT_TRUE(covered[i] || text[i] == ' ' || text[i] == '\n') << round << ", byte " << i;
  }
}

}  // namespace
}  // namespace lathe::run
