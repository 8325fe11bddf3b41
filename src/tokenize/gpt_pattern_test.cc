// The loops against the regular expressions that they stand for.
#include "tokenize/gpt_pattern.h"

#include <gtest/gtest.h>

#include <random>

#include "tokenize/regex.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

std::vector<std::string> by_loop(GptPattern pattern, const std::string& text) {
  std::vector<Span> spans;
  cut_by_pattern(pattern, text, {0, static_cast<uint32_t>(text.size())}, spans);
  std::vector<std::string> words;
  for (const Span span : spans) words.push_back(text.substr(span.begin, span.end - span.begin));
  return words;
}

std::vector<std::string> by_regex(const Regex& regex, const std::string& text) {
  MatchMemory memory;
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size();) {
    const auto match = regex.find(text, at, memory);
    if (!match.found) break;
    words.push_back(text.substr(match.begin, match.end - match.begin));
    at = match.end;
  }
  return words;
}

class GptPatternTest : public ::testing::TestWithParam<GptPattern> {};

TEST_P(GptPatternTest, RandomTextsAreCutAsTheRegexCutsThem) {
  const Regex regex(pattern_text(GetParam()), "pattern");
  const std::vector<std::string> parts{"a",
                                       "Z",
                                       "1",
                                       "2",
                                       " ",
                                       " ",
                                       "\n",
                                       "\r",
                                       "\t",
                                       "'",
                                       "'s",
                                       "'S",
                                       "'ll",
                                       "'R",
                                       "re",
                                       "!",
                                       "-",
                                       "\xC3\xA9",
                                       "\xC2\xA0",
                                       "\xE3\x80\x80",
                                       "\v",
                                       "'v",
                                       "E",
                                       "'M",
                                       "'d",
                                       "\xC2\xB2",
                                       "\xCC\x81",
                                       "\xE6\x88\x91",
                                       "\xF0\x9F\x98\x80",
                                       "\xC2\x85",
                                       "\xE1\xA0\x8E",
                                       "\xC5\xBF",
                                       "\xD9\xA3",
                                       std::string(1, '\0')};
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (size_t n = random() % 14; n > 0; --n) text += parts[random() % parts.size()];
    ASSERT_EQ(by_loop(GetParam(), text), by_regex(regex, text)) << testing::PrintToString(text);
  }
}

TEST_P(GptPatternTest, EveryCodePointIsOfTheKindThatTheRegexHas) {
  const Regex regex(pattern_text(GetParam()), "pattern");
  const Regex unassigned("\\p{Cn}", "unassigned");  // utf8proc and PCRE2 may be of different versions of Unicode
  MatchMemory memory;
  for (uint32_t c = 0; c < 0x110000; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string text = "x";
    append_code_point(c, text);
    if (unassigned.find(text, 1, memory).found) continue;
    text += " ";
    append_code_point(c, text);
    text += "1";
    ASSERT_EQ(by_loop(GetParam(), text), by_regex(regex, text)) << std::hex << c;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GptPatternTest,
                         ::testing::Values(GptPattern::gpt2, GptPattern::qwen2, GptPattern::llama3),
                         [](const auto& test) {
                           return test.param == GptPattern::gpt2    ? "gpt2"
                                  : test.param == GptPattern::qwen2 ? "qwen2"
                                                                    : "llama3";
                         });

}  // namespace
}  // namespace lathe::tokenize
