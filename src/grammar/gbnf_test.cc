#include <gtest/gtest.h>

#include <string>

#include "grammar/matcher.h"
#include "tokenize/utf8.h"

namespace lathe::grammar {
namespace {

std::shared_ptr<const TokenTrie> single_bytes() {
  std::vector<std::string> texts;
  for (int byte = 0; byte < 256; ++byte) texts.emplace_back(1, static_cast<char>(byte));
  auto trie = TokenTrie::create(std::move(texts));
  return std::make_shared<const TokenTrie>(*std::move(trie));
}

Matcher matcher_of(std::string_view source) {
  auto grammar = parse_gbnf(source, "g");
  if (!grammar) throw std::runtime_error(grammar.status().message());
  auto made = Matcher::create(std::make_shared<const Grammar>(*std::move(grammar)), single_bytes(), 257, {256});
  if (!made) throw std::runtime_error(made.status().message());
  return *std::move(made);
}

// "yes": a text of the grammar; "part": the beginning of one; "no".
std::string verdict(std::string_view source, std::string_view text) {
  Matcher matcher = matcher_of(source);
  for (const char byte : text)
    if (!matcher.accept(static_cast<unsigned char>(byte)).ok()) return "no";
  return matcher.may_end() ? "yes" : "part";
}

struct Case {
  const char *grammar, *yes, *part, *no;
};
class Accepts : public ::testing::TestWithParam<Case> {};
TEST_P(Accepts, Texts) {
  const auto& [grammar, yes, part, no] = GetParam();
  EXPECT_EQ(verdict(grammar, yes), "yes") << grammar;
  EXPECT_EQ(verdict(grammar, part), "part") << grammar;
  EXPECT_EQ(verdict(grammar, no), "no") << grammar;
}
INSTANTIATE_TEST_SUITE_P(
    Gbnf, Accepts,
    ::testing::Values(
        Case{R"(root ::= "abc" | "abd")", "abd", "ab", "abe"}, Case{R"(root ::= [a-c]+ "x")", "cabx", "ab", "x"},
        Case{R"(root ::= [^a-c] [-x] [\]\\])", "d-]", "dx", "a"},
        Case{R"(root ::= "a"? "b"* "c")", "bbc", "abb", "aac"}, Case{R"(root ::= "a"{3})", "aaa", "aa", "aaaa"},
        Case{R"(root ::= "ab"{1,2} "x")", "ababx", "aba", "ababab"}, Case{R"(root ::= "a"{2,})", "aaaaa", "a", "aab"},
        Case{R"(root ::= "a"{,2} "b")", "aab", "aa", "aaa"},
        Case{R"(root ::= ("a" | "b")+ ("," ("a" | "b")+)*)", "ab,ba", "ab,", "ab,,"},
        Case{"root ::= # note\n  \"a\" b |\n  \"c\"\nb ::= \"x\"\n# end", "ax", "a", "cx"},
        Case{"root ::= (\n \"a\"\n \"b\"\n)", "ab", "a", "b"},
        Case{R"(root ::= "\x41\u00e9\n\"\\")", "A\xC3\xA9\n\"\\", "A\xC3", "A\xC3\xA8"},
        Case{R"(root ::= [α-ω]+ .)", "\xCE\xB1\xCF\x89\xF0\x9F\x98\x80", "\xCE\xB1\xCF", "\xCE\xB1\xD0\x80\xD0"},
        Case{R"g(root ::= "(" root ")" | "x")g", "((x))", "((x)", "(x))"},  // no regular language
        Case{R"(root ::= a-1 b_2
a-1 ::= "1"
b_2 ::= "2")",
             "12", "1", "2"},
        Case{R"(root ::= ("a"?)* "b")", "aab", "aa", "c"},  // a repetition of what may be empty
        Case{R"(root ::= list "."
list ::= item | item "," list
item ::= [0-9]+)",
             "1,22.", "1,", "1,,"}));

TEST(Gbnf, CharactersAreSetsOfBytes) {
  // Every character at the edges of UTF-8's lengths and of the surrogates, in and outside a range.
  for (const uint32_t edge : {0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xD7FFu, 0xE000u, 0xFFFFu, 0x10000u, 0x10FFFFu})
    for (const bool inverted : {false, true}) {
      const std::string source = std::string("root ::= [") + (inverted ? "^" : "") + "\\U00000080-\\U0000FFFF]";
      std::string text;
      tokenize::append_code_point(edge, text);
      const bool inside = edge >= 0x80 && edge <= 0xFFFF;
      EXPECT_EQ(verdict(source, text), inside != inverted ? "yes" : "no") << std::hex << edge;
    }
  EXPECT_EQ(verdict("root ::= [^x]", "\xED\xA0"), "no");  // a surrogate
  EXPECT_EQ(verdict("root ::= .", "\xC0"), "no");
}

// Against a plain search through all texts of a random grammar's alternatives.
TEST(Gbnf, RandomFiniteGrammars) {
  uint64_t state = 7;
  const auto below = [&state](uint64_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % bound;
  };
  for (int round = 0; round < 200; ++round) {
    std::string source = "root ::= ";
    std::vector<std::string> texts;
    const uint64_t count = 1 + below(6);
    for (uint64_t i = 0; i < count; ++i) {
      std::string text;
      for (uint64_t left = 1 + below(5); left > 0; --left) text += "abc"[below(3)];
      source += (i > 0 ? " | \"" : "\"") + text + "\"";
      texts.push_back(text);
    }
    for (int probe = 0; probe < 20; ++probe) {
      std::string text;
      for (uint64_t left = below(6); left > 0; --left) text += "abc"[below(3)];
      const bool is_text = std::find(texts.begin(), texts.end(), text) != texts.end();
      const bool is_part = std::any_of(texts.begin(), texts.end(), [&](const auto& t) { return t.starts_with(text); });
      EXPECT_EQ(verdict(source, text), is_text ? "yes" : is_part ? "part" : "no") << source << "  " << text;
    }
  }
}

TEST(Gbnf, Errors) {
  const auto message = [](std::string_view source, const Grammar::Limits& limits = {}) {
    return parse_gbnf(source, "g", limits).status().message();
  };
  const std::string left = " comes to itself before it reads a character, needed: rules without left recursion";
  EXPECT_EQ(message(""), "g, line 1: has no rule 'root', needed: one, at which the text starts");
  EXPECT_EQ(message("root ::= a"), "g, line 1: the rule 'a' is used but not defined");
  EXPECT_EQ(message("root ::= root \"a\" | \"b\""), "g, line 1: the rule 'root'" + left);
  EXPECT_EQ(message("root ::= a\na ::= \"\" b \"x\"\nb ::= \"y\" | a"), "g, line 3: the rule 'a'" + left);
  EXPECT_EQ(message("root ::= n root \"a\"\nn ::= \"n\"?"), "g, line 2: the rule 'root'" + left);
  EXPECT_EQ(message("root ::= \"a\" b\nb ::= \"b\" b"),
            "g, line 2: allows no text: every way from 'root' leads in a circle");
  EXPECT_EQ(message("root ::= \"a"), "g, line 1: found the end, needed: a character");
  EXPECT_EQ(message("root ::= [b-a]"), "g, line 1: the range U+0062 to U+0061 is empty");
  EXPECT_EQ(message("root ::= \"\\q\""), "g, line 1: unknown escape '\\q'");
  EXPECT_EQ(message("root ::= \"\\uD800\""), "g, line 1: U+D800 is no character");
  EXPECT_EQ(message("root ::= \"\\u12\""), "g, line 1: found '\"', needed: 4 hexadecimal digits");
  EXPECT_EQ(message("root = \"a\""), "g, line 1: found '=', needed: '::='");
  EXPECT_EQ(message("root ::= \"a\"\nroot ::= \"b\""), "g, line 2: the rule 'root' is defined twice");
  EXPECT_EQ(message("root ::= (\"a\""), "g, line 1: found the end, needed: ')'");
  EXPECT_EQ(message("root ::= \"a\"{3,2}"), "g, line 1: repeats from 3 to 2 times, needed: no less than from");
  EXPECT_EQ(message("root ::= \"a\"{99999999999}"), "g, line 1: repeats 2147483647 times, at most 10000 are taken");
  EXPECT_EQ(message("root ::= ((((\"a\"{1000}){1000}){1000}){1000})", {.elements = 100}),
            "g, line 1: has more than 100 elements when its repetitions are written out");
  EXPECT_EQ(message("root ::= " + std::string(100000, '(')), "g, line 1: groups are nested more than 200 deep");
  EXPECT_EQ(message("root ::= \xFF"), "g: is not UTF-8");
  EXPECT_EQ(message(std::string(5 << 20, ' ')), "g: has 5242880 bytes, at most 4194304 are taken");
  EXPECT_EQ(message("root ::= \"a\" )"), "g, line 1: found ')', needed: the end of the line");
}

TEST(Gbnf, Mutations) {
  const std::string source =
      "root ::= object # c\nobject ::= \"{\" ws (pair (\",\" ws pair)*)? \"}\" ws\npair ::= [a-z_]{1,8} \"\\u003a\" "
      "(number | \"\\\"\" [^\"\\\\]* \"\\\"\" | object)\nnumber ::= \"-\"? (\"0\" | [1-9] [0-9]{0,3})\nws ::= [ "
      "\\t\\n]*\n";
  ASSERT_TRUE(parse_gbnf(source, "g").ok());
  uint64_t state = 3;
  const auto below = [&state](size_t bound) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<size_t>(state >> 33) % bound;
  };
  const auto trie = single_bytes();
  int taken = 0, refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string changed = source;
    for (size_t left = 1 + below(3); left > 0; --left) {
      const size_t at = below(changed.size()), length = 1 + below(8), kind = below(3);
      if (kind == 0) changed.erase(at, length);
      if (kind == 1) changed.insert(at, changed.substr(below(changed.size()), length));
      if (kind == 2) changed[at] = "()[]{}|*+?\"\\,:=-^0#"[below(19)];
      if (changed.empty()) changed = "x";
    }
    auto grammar = parse_gbnf(changed, "g", {.elements = 20000, .repetitions = 500});
    if (!grammar) {
      ++refused;
      ASSERT_LT(grammar.status().message().size(), 300u);
      continue;
    }
    ++taken;
    auto matcher = Matcher::create(std::make_shared<const Grammar>(*std::move(grammar)), trie, 256, {});
    for (int step = 0; step < 20 && matcher; ++step) {
      const auto mask = matcher->allowed();
      if (!mask) break;
      int32_t token = static_cast<int32_t>(below(256));
      while (((*mask)[static_cast<size_t>(token) / 64] >> (token % 64) & 1) == 0) token = (token + 1) % 256;
      ASSERT_TRUE(matcher->accept(token).ok());
    }
  }
  EXPECT_GT(taken, 300);
  EXPECT_GT(refused, 300);
}

}  // namespace
}  // namespace lathe::grammar
