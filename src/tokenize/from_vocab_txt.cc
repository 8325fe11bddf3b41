// vocab.txt: one piece a line, its id the number of the line. The rest stands in tokenizer_config.json, under the names
// of transformers' BertTokenizer.
#include "tokenize/companions.h"
#include "tokenize/wordpiece_parts.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    if (static_cast<int64_t>(lines.size()) == kMostPieces) wrong("the file has more than {} lines", kMostPieces);
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

WordPieceSetup read_setup(const Companions& beside) {
  const Json config = companion("tokenizer_config.json", beside.tokenizer_config);
  const Json map = companion("special_tokens_map.json", beside.special_tokens_map);
  const Node node{config, ""};
  WordPieceSetup setup;
  setup.rules.lowercase = bool_field(node, "do_lower_case", true);
  setup.rules.space_cjk = bool_field(node, "tokenize_chinese_chars", true);
  setup.rules.strip_accents = bool_field(node, "strip_accents", setup.rules.lowercase);
  const auto read = [&](std::string_view field, std::string& out) {
    auto content = token_content(node, field);
    if (!content) content = token_content(Node{map, ""}, field);
    if (content) out = *std::move(content);
  };
  read("unk_token", setup.unknown);
  read("cls_token", setup.cls);
  read("sep_token", setup.sep);
  read("pad_token", setup.pad);
  read("mask_token", setup.mask);
  return setup;
}

}  // namespace

Result<Tokenizer> Tokenizer::from_vocab_txt(std::string_view name, std::string_view text, const Companions& beside) {
  return caught(name, [&] {
    auto parts = wordpiece_parts(name, lines_of(text), read_setup(beside));
    read_companions(beside, *parts);
    return make_tokenizer(std::move(parts));
  });
}

}  // namespace lathe::tokenize
