#include "grammar/matcher.h"

#include <gtest/gtest.h>

#include <string>

#include "base/test_files.h"
#include "grammar/json_schema.h"

namespace lathe::grammar {
namespace {

std::shared_ptr<const Grammar> grammar_of(std::string_view source) {
  auto made = parse_gbnf(source, "g");
  if (!made) throw std::runtime_error(made.status().message());
  return std::make_shared<const Grammar>(*std::move(made));
}
std::shared_ptr<const TokenTrie> trie_of(std::vector<std::string> texts) {
  auto made = TokenTrie::create(std::move(texts));
  return std::make_shared<const TokenTrie>(*std::move(made));
}
Matcher made(std::string_view source, std::vector<std::string> texts, std::vector<int32_t> stops = {}) {
  auto trie = trie_of(std::move(texts));
  auto matcher = Matcher::create(grammar_of(source), trie, trie->size() + 3, std::move(stops));
  if (!matcher) throw std::runtime_error(matcher.status().message());
  return *std::move(matcher);
}
std::vector<int32_t> allowed_by(Matcher& matcher) {
  std::vector<int32_t> ids;
  const auto mask = matcher.allowed();
  if (!mask) return {-1};
  for (size_t i = 0; i < mask->size() * 64; ++i)
    if ((*mask)[i / 64] >> (i % 64) & 1) ids.push_back(static_cast<int32_t>(i));
  return ids;
}
using Ids = std::vector<int32_t>;

TEST(TokenTrie, IsInDepthFirstOrder) {
  const auto trie = trie_of({"b", "abc", "ab", "", "ab", "a"});
  std::string seen;
  for (const auto& node : trie->nodes()) {
    seen += static_cast<char>(node.byte);
    seen += std::to_string(node.depth) + ":";
    for (uint32_t t = node.tokens; t < node.tokens + node.count; ++t) seen += std::to_string(trie->tokens()[t]);
    seen += ">" + std::to_string(node.end) + " ";
  }
  EXPECT_EQ(seen, "a1:5>3 b2:24>3 c3:1>3 b1:0>4 ");
  EXPECT_EQ(trie->deepest(), 3u);
}

TEST(Matcher, AllowsWhatKeepsTheTextABeginning) {
  Matcher matcher = made("root ::= \"ab\" (\"c\" | \"\xC3\xA9\")+",
                         {"a", "ab", "abc", "b", "c", "\xC3", "\xA9", "x", "bcc", ""}, {11});
  EXPECT_EQ(allowed_by(matcher), (Ids{0, 1, 2}));
  ASSERT_TRUE(matcher.accept(0).ok());
  EXPECT_EQ(allowed_by(matcher), (Ids{3, 8}));
  EXPECT_EQ(matcher.accept(7).message(), "token 7 ('x') is not allowed by the grammar here");
  EXPECT_EQ(matcher.accept(9).message(), "token 9 (no text) is not allowed by the grammar here");
  EXPECT_FALSE(matcher.accept(-1).ok());
  EXPECT_FALSE(matcher.accept(12).ok());
  EXPECT_FALSE(matcher.accept(11).ok());
  ASSERT_TRUE(matcher.accept(3).ok());
  EXPECT_FALSE(matcher.may_end());
  ASSERT_TRUE(matcher.accept(5).ok());
  EXPECT_EQ(allowed_by(matcher), (Ids{6}));  // the rest of a character
  ASSERT_TRUE(matcher.accept(6).ok());
  EXPECT_TRUE(matcher.may_end());
  EXPECT_FALSE(matcher.complete());
  EXPECT_EQ(allowed_by(matcher), (Ids{4, 5, 11}));
  ASSERT_TRUE(matcher.accept(11).ok());
  EXPECT_TRUE(matcher.ended());
  EXPECT_EQ(matcher.allowed().status().message(), "the text has ended, nothing follows");
  matcher.restart();
  EXPECT_EQ(allowed_by(matcher), (Ids{0, 1, 2}));
}

TEST(Matcher, WhenNothingIsAllowed) {
  Matcher complete = made("root ::= \"a\"", {"a"});
  EXPECT_FALSE(complete.complete());
  ASSERT_TRUE(complete.accept(0).ok());
  EXPECT_TRUE(complete.complete());
  EXPECT_EQ(complete.allowed().status().message(), "the text is complete, and no token is named that ends it");
  Matcher stuck = made("root ::= \"ab\"", {"a"});
  ASSERT_TRUE(stuck.accept(0).ok());
  EXPECT_EQ(stuck.allowed().status().message(), "the grammar allows no token of this vocabulary here");
  EXPECT_FALSE(Matcher::create(grammar_of("root ::= \"a\""), trie_of({"a", "b"}), 1, {}).ok());
  EXPECT_FALSE(Matcher::create(grammar_of("root ::= \"a\""), trie_of({"a"}), 1, {5}).ok());
}

TEST(Matcher, AmbiguityAndDepthAreBounded) {
  // Two ways at each "a", and each of its own stack.
  Matcher ways = made("root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"d\"", {"a"});
  Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) status = ways.accept(0);
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(ways.allowed().status().message(),
            "the grammar can go on in more than 4096 ways here, needed: fewer (is it ambiguous?)");
  Matcher deep = made("root ::= \"(\" root \")\" | \"x\"", {"(", ")", "x"});
  int depth = 0;
  while (depth < 5000 && deep.accept(0).ok()) ++depth;
  EXPECT_GT(depth, 500);
  EXPECT_LT(depth, 1100);
  EXPECT_EQ(allowed_by(deep), (Ids{2}));  // deeper it may not go, and it can still be closed
}

// A small cache that is forgotten all the time gives what a large one gives.
TEST(Matcher, ForgettingChangesNothing) {
  const auto grammar = grammar_of(json_object_gbnf());
  const auto trie = trie_of({"{", "}", "\"", "a", ":", "1", ",", "[", "]", "{\"", "\":", " ", "\n", "true", "]}"});
  auto large = *Matcher::create(grammar, trie, 15, {});
  auto small = *Matcher::create(grammar, trie, 15, {}, {.states = 3, .masks = 2});
  uint64_t state = 5;
  for (int step = 0; step < 400; ++step) {
    const Ids ids = allowed_by(large);
    ASSERT_EQ(ids, allowed_by(small)) << step;
    if (ids == Ids{-1}) break;
    state = state * 6364136223846793005u + 1442695040888963407u;
    const int32_t token = ids[(state >> 33) % ids.size()];
    ASSERT_TRUE(large.accept(token).ok());
    ASSERT_TRUE(small.accept(token).ok());
  }
}

TEST(Matcher, RealVocabulary) {
  if (!std::filesystem::exists(test_data("tokenizers/qwen2"))) GTEST_SKIP() << "no test data";
  const auto tokenizer = tokenize::Tokenizer::load(test_data("tokenizers/qwen2"));
  ASSERT_TRUE(tokenizer.ok());
  auto trie = TokenTrie::of(*tokenizer);
  ASSERT_TRUE(trie.ok());
  const auto shared = std::make_shared<const TokenTrie>(*std::move(trie));
  const std::string text = R"({"name": "Zoë 😀", "list": [1, -2.5e3, {"x": null}], "ok": true})";
  const auto ids = tokenizer->encode(text, {.add_special = false});
  auto matcher = *Matcher::create(grammar_of(json_object_gbnf()), shared, shared->size(), {});
  for (const int32_t id : ids->ids) {
    const auto mask = matcher.allowed();
    ASSERT_TRUE(mask.ok());
    EXPECT_TRUE((*mask)[static_cast<size_t>(id) / 64] >> (id % 64) & 1) << tokenizer->piece(id);
    ASSERT_TRUE(matcher.accept(id).ok());
  }
  EXPECT_TRUE(matcher.may_end());
}

}  // namespace
}  // namespace lathe::grammar
