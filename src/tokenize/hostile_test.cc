// Files that lie. Each gets one sentence that names the field, and nothing crashes.
#include <gtest/gtest.h>

#include <cmath>

#include "tokenize/test_json.h"

namespace lathe::tokenize {
namespace {

void expect_says(const std::string& error, std::initializer_list<const char*> words) {
  EXPECT_TRUE(error.starts_with("test")) << error;
  for (const char* word : words) EXPECT_NE(error.find(word), std::string::npos) << "'" << word << "' in: " << error;
}

TestJson bpe(const std::vector<std::string>& pieces, const TestJson& merges) {
  return {{"model", {{"type", "BPE"}, {"vocab", vocab_of(pieces)}, {"merges", merges}}}};
}

TEST(HostileJson, Ids) {
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":0,"b":2},"merges":[]}})"),
              {"model.vocab", "id 2", "holes"});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":0,"b":0},"merges":[]}})"), {"id 0", "\"a\"", "\"b\""});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":1000000000},"merges":[]}})"), {"model.vocab", "\"a\""});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":-1},"merges":[]}})"), {"model.vocab", "-1"});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":18446744073709551615},"merges":[]}})"), {"model.vocab"});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":"x"},"merges":[]}})"), {"model.vocab", "an id"});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":{}},"merges":[]}})"), {"model.vocab", "an id"});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":0.5},"merges":[]}})"), {"model.vocab", "an id"});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{},"merges":[]}})"), {"model.vocab", "no pieces"});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":0},"vocab":{"b":1},"merges":[]}})"),
              {"model.vocab", "twice"});
}

TEST(HostileJson, Merges) {
  expect_says(error_of(bpe({"a", "b"}, {"a b"})), {"model.merges", "entry 0", "\"ab\""});
  expect_says(error_of(bpe({"a", "b", "ab"}, {"a b", "a x"})), {"model.merges", "entry 1", "\"x\""});
  expect_says(error_of(bpe({"a", "b", "ab"}, {"ab"})), {"model.merges", "entry 0", "one space"});
  expect_says(error_of(bpe({"a"}, {"a b c"})), {"model.merges", "one space"});
  expect_says(error_of(bpe({"a", ""}, TestJson::parse(R"([["a", ""]])"))), {"model.merges", "not empty"});
  expect_says(error_of(bpe({"a"}, TestJson::parse(R"([["a"]])"))), {"model.merges", "1 items"});
  expect_says(error_of(bpe({"a"}, TestJson::parse(R"([[["a"]]])"))), {"model.merges"});
  expect_says(error_of(bpe({"a"}, TestJson::parse("[1]"))), {"model.merges"});
  expect_says(error_of(bpe({"a"}, TestJson::parse(R"([["a","b","c"]])"))), {"model.merges"});
  expect_says(error_of(R"({"model":{"type":"BPE","vocab":{"a":0}}})"), {"model.merges", "missing"});
}

// A merge shortens the word by one symbol, so merges that go in circles come to an end.
TEST(HostileJson, CyclicMergesEnd) {
  const Tokenizer t = tokenizer_of(bpe({"a", "aa", "aaa", "aaaa"}, {"a a", "aa a", "a aa", "aa aa", "aaa a", "a aaa"}));
  EXPECT_EQ(t.encode(std::string(100'000, 'a'))->ids.size(), 25'000u);
}

TEST(HostileJson, Shape) {
  EXPECT_TRUE(error_of(std::string()).starts_with("test.json"));
  expect_says(error_of(std::string("[]")), {"object"});
  expect_says(error_of(std::string("{}")), {"model", "missing"});
  expect_says(error_of(std::string("{\"model\":")), {"JSON", "byte"});
  expect_says(error_of(std::string("{\"model\":\"\xFF\"}")), {"JSON"});
  expect_says(error_of(std::string(100'000, '[')), {"levels"});
  expect_says(error_of("{\"a\":" + std::string(100'000, '[')), {"levels"});
  expect_says(error_of(R"({"model":[]})"), {"model", "array", "object"});
  expect_says(error_of(R"({"model":{"type":"Hash","vocab":{}}})"), {"model.type", "Hash"});
  expect_says(error_of(R"({"model":{"type":7,"vocab":{}}})"), {"model.type", "number"});
  std::string many = "{\"x\":[0";
  for (int i = 0; i < 400'000; ++i) many += ",0";
  expect_says(error_of(many + "]}"), {"more than 300000 values"});
}

TEST(HostileJson, UnknownComponentsAreNamed) {
  for (const char* part : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    TestJson json = wordpiece_json({"[UNK]"});
    json[part] = {{"type", "Sideways"}};
    expect_says(error_of(json), {part, "type", "Sideways"});
    json[part] = {{"type", 3}};
    expect_says(error_of(json), {part, "number"});
    json[part] = 3;
    expect_says(error_of(json), {part, "number"});
    json[part] = TestJson::object();
    expect_says(error_of(json), {part, "type", "missing"});
  }
  TestJson json = wordpiece_json({"[UNK]"});
  json["normalizer"] = {{"type", "Sequence"}, {"normalizers", {{{"type", "NFC"}}, {{"type", "Odd"}}}}};
  expect_says(error_of(json), {"normalizer.normalizers[1].type", "Odd"});
}

TEST(HostileJson, Components) {
  const auto with = [](const char* part, TestJson value) {
    TestJson json = wordpiece_json({"[UNK]"});
    json[part] = std::move(value);
    return error_of(json);
  };
  expect_says(with("normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "!"}}), {"base64"});
  expect_says(with("normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "/////w=="}}),
              {"precompiled_charsmap"});
  expect_says(with("normalizer", {{"type", "Precompiled"}, {"precompiled_charsmap", "////f////38="}}), {"announces"});
  expect_says(with("normalizer", {{"type", "Replace"}, {"pattern", {{"Regex", "(("}}}, {"content", ""}}),
              {"normalizer.pattern.Regex", "regular expression"});
  expect_says(with("normalizer", {{"type", "Replace"}, {"pattern", {{"Odd", "("}}}, {"content", ""}}),
              {"normalizer.pattern"});
  expect_says(with("normalizer", {{"type", "BertNormalizer"}, {"lowercase", "yes"}}),
              {"normalizer.lowercase", "string"});
  expect_says(with("pre_tokenizer", {{"type", "Punctuation"}, {"behavior", "Odd"}}), {"pre_tokenizer.behavior", "Odd"});
  expect_says(
      with("post_processor",
           {{"type", "BertProcessing"}, {"cls", TestJson::array({"x", 5})}, {"sep", TestJson::array({"x", 0})}}),
      {"post_processor.cls", "5"});
  expect_says(with("post_processor",
                   {{"type", "BertProcessing"}, {"cls", TestJson::array({"x"})}, {"sep", TestJson::array({"x", 0})}}),
              {"post_processor.cls", "1 items"});
  expect_says(with("post_processor", {{"type", "TemplateProcessing"}, {"single", TestJson::array()}}),
              {"post_processor.single"});
  expect_says(with("added_tokens", TestJson::parse(R"([{"id": 9, "content": "x"}])")), {"added_tokens", "holes"});
  expect_says(with("added_tokens", TestJson::parse(R"([{"id": 0, "content": "x"}])")), {"added_tokens", "id 0"});
  expect_says(with("added_tokens", TestJson::parse(R"([{"id": 1, "content": ""}])")), {"added_tokens[0].content"});
  expect_says(with("added_tokens", TestJson::parse(R"([{"id": 1, "content": "[UNK]"}])")),
              {"added_tokens[0]", "[UNK]"});
  expect_says(with("added_tokens", 1), {"added_tokens", "list"});
  expect_says(with("model", {{"type", "WordPiece"}, {"vocab", vocab_of({"x"})}}), {"model.unk_token", "[UNK]"});
  expect_says(with("model", {{"type", "Unigram"}, {"vocab", TestJson::parse(R"([["x", 0.0]])")}}), {"model.unk_id"});
  expect_says(with("model", {{"type", "Unigram"}, {"unk_id", 3}, {"vocab", TestJson::parse(R"([["x", 0.0]])")}}),
              {"model.unk_id", "3"});
  expect_says(with("model", {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", TestJson::parse(R"([["x", "y"]])")}}),
              {"model.vocab"});
  expect_says(with("model", {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", vocab_of({"x"})}}), {"model.vocab", "list"});
}

TEST(HostileJson, ASearchThatExplodesFailsTheText) {
  TestJson json = wordpiece_json({"[UNK]"});
  json["pre_tokenizer"] = {{"type", "Split"}, {"pattern", {{"Regex", "(a+)+$"}}}, {"behavior", "Isolated"}};
  const auto encoding = tokenizer_of(json).encode(std::string(100, 'a') + "!");
  ASSERT_FALSE(encoding.ok());
  EXPECT_NE(encoding.status().message().find("pattern"), std::string::npos) << encoding.status().message();
}

// A byte of a message: tag and length, then what they announce.
std::string field(int number, const std::string& bytes) {
  return std::string(1, static_cast<char>(number << 3 | 2)) + static_cast<char>(bytes.size()) + bytes;
}
std::string piece(const std::string& text, int type, float score = 0) {
  std::string bytes = field(1, text) + '\x15';
  bytes.append(reinterpret_cast<const char*>(&score), 4);
  return field(1, bytes + '\x18' + static_cast<char>(type));
}
const std::string kBpe = field(2, std::string("\x18\x02", 2));

std::string model_error(const std::string& bytes) {
  const auto made = Tokenizer::from_sentencepiece("test.model", bytes);
  return made.ok() ? "" : made.status().message();
}

TEST(SentencePieceFile, ASmallModelWorks) {
  const std::string mark = "\xE2\x96\x81";
  const std::string bytes = kBpe + piece("<unk>", 2) + piece("<s>", 3) + piece("a", 1, -1) + piece("b", 1, -2) +
                            piece(mark, 1, -3) + piece("ab", 1, -4) + piece(mark + "ab", 1, -5) + piece("<u>", 4) +
                            piece("ba", 5, -1);
  const auto t = Tokenizer::from_sentencepiece("test.model", bytes);
  ASSERT_TRUE(t.ok()) << t.status().message();
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(encode_pieces(*t, "ab"), Pieces{mark + "ab"});
  EXPECT_EQ(encode_pieces(*t, "  b  xyz "), (Pieces{mark, "b", mark, "<unk>"}));
  EXPECT_EQ(encode_pieces(*t, "b<u>a"), (Pieces{mark, "b", "<u>", "a"}));
  EXPECT_EQ(encode_pieces(*t, "bba"), (Pieces{mark, "b", "b", "a"}));  // an unused piece is taken apart
  EXPECT_EQ(encode_pieces(*t, "<s>"), (Pieces{mark, "<unk>"}));        // control pieces are no text
  EXPECT_EQ(*t->decode(std::vector<int32_t>{1, 6, 4, 2}), "ab a");
}

TEST(SentencePieceFile, Lies) {
  const std::string good = kBpe + piece("<unk>", 2) + piece("a", 1);
  EXPECT_EQ(model_error(good), "");
  for (size_t n = 0; n < good.size(); ++n) {
    const std::string error = model_error(good.substr(0, n));
    EXPECT_TRUE(error.empty() || error.starts_with("test.model: ")) << error;
  }
  expect_says(model_error(""), {"no pieces"});
  expect_says(model_error(kBpe + piece("a", 1)), {"unknown"});
  expect_says(model_error(good + piece("a", 1)), {"\"a\"", "piece 1", "piece 2"});
  expect_says(model_error(good + piece("b", 9)), {"piece 2", "type 9"});
  expect_says(model_error(good + piece("\xFF", 1)), {"UTF-8"});
  expect_says(model_error(good + piece("b", 1, NAN)), {"finite"});
  expect_says(model_error(good + field(2, std::string("\x18\x04", 2))), {"model_type", "4"});
  expect_says(model_error(good + field(2, std::string("\x98\x02\x01", 3))), {"<0x00>"});
  expect_says(model_error(good + field(3, field(2, "xxxx"))), {"precompiled_charsmap"});
  expect_says(model_error(std::string("\x0A\xFF\xFF\xFF\xFF\x0F", 6)), {"announces"});
  expect_says(model_error(std::string(11, '\xFF')), {"64 bits"});
  expect_says(model_error("\x0B"), {"wire type 3"});
}

TEST(HostileGguf, FieldsThatContradict) {
  const std::vector<std::string_view> tokens{"<unk>", "a"};
  const std::vector<float> scores{0, 0}, one_score{0};
  const std::vector<int32_t> types{2, 1}, odd_types{2, 77};
  const auto error = [&](auto change) {
    GgufVocab v{.model = "llama", .tokens = tokens, .scores = scores, .token_types = types};
    change(v);
    const auto made = Tokenizer::from_gguf("test.gguf", v);
    return made.ok() ? std::string() : made.status().message();
  };
  EXPECT_EQ(error([](GgufVocab&) {}), "");
  expect_says(error([](GgufVocab& v) { v.model = "rwkv"; }), {"tokenizer.ggml.model", "rwkv"});
  expect_says(error([](GgufVocab& v) { v.tokens = {}; }), {"tokenizer.ggml.tokens"});
  expect_says(error([&](GgufVocab& v) { v.scores = one_score; }), {"tokenizer.ggml.scores", "1", "2"});
  expect_says(error([&](GgufVocab& v) { v.token_types = odd_types; }), {"tokenizer.ggml.token_type", "77"});
  expect_says(error([](GgufVocab& v) { v.special.unk = 5; }), {"unknown_token_id", "5"});
  expect_says(error([](GgufVocab& v) { v.model = "gpt2", v.pre = "odd"; }), {"tokenizer.ggml.pre", "odd"});
  expect_says(error([](GgufVocab& v) { v.model = "bert"; }), {"[UNK]"});
  const std::vector<std::string_view> merges{"a x"};
  expect_says(error([&](GgufVocab& v) { v.model = "gpt2", v.pre = "gpt-2", v.merges = merges; }),
              {"tokenizer.ggml.merges", "\"x\""});
}

TEST(HostileVocabTxt, MissingSpecialTokens) {
  const auto error = [](std::string_view text) {
    const auto made = Tokenizer::from_vocab_txt("test.txt", text);
    return made.ok() ? std::string() : made.status().message();
  };
  EXPECT_EQ(error("[UNK]\n[CLS]\n[SEP]\r\na"), "");
  expect_says(error(""), {"no pieces"});
  expect_says(error("a\nb\n"), {"[UNK]"});
  expect_says(error("[UNK]\n[CLS]\n[SEP]\n\xFF\n"), {"piece 3", "UTF-8"});
}

TEST(LoadTokenizer, PathsThatLeadNowhere) {
  EXPECT_FALSE(Tokenizer::load("no-such-file.json").ok());
  EXPECT_FALSE(Tokenizer::load("/").ok());
  EXPECT_FALSE(Tokenizer::load("/etc/hostname").ok());
}

}  // namespace
}  // namespace lathe::tokenize
