// vocab.json with merges.txt, as GPT-2 and Qwen2 have them. What their tokenizer.json would say follows from the class
// that tokenizer_config.json names.
#include <fmt/format.h>

#include "tokenize/companions.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

void read_merges_txt(std::string_view text, TokenizerFile& file) {
  for (size_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    const size_t space = line.find(' ');
    if (space == line.npos || line.find(' ', space + 1) != line.npos)
      wrong("merges.txt: line {} is \"{}\", needed two pieces and one space between them", number, line);
    if (static_cast<int64_t>(file.lefts.size()) == kMostPieces) wrong("merges.txt has more than {} lines", kMostPieces);
    file.lefts.push_back(line.substr(0, space));
    file.rights.push_back(line.substr(space + 1));
  }
  file.has_merges = true;
}

Json byte_level(bool add_space, bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", add_space}, {"use_regex", use_regex}};
}

Json qwen2_words() {
  const Json split = {
      {"type", "Split"}, {"pattern", {{"Regex", pattern_text(GptPattern::qwen2)}}}, {"behavior", "Isolated"}};
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({split, byte_level(false, false)})}};
}

// Tokens of added_tokens.json and added_tokens_decoder by id: the latter knows more of each.
Json added_tokens(const Node& config, const Companions& beside, const TokenizerFile& file) {
  constexpr const char* kEndOfText = "<|endoftext|>";
  Json list = Json::array();
  if (const auto decoder = object_field(config, "added_tokens_decoder")) {
    for (const auto& [id, token] : decoder->json.items()) {
      if (id.empty() || id.size() > 7 || id.find_first_not_of("0123456789") != id.npos)
        wrong("tokenizer_config.json: field \"{}\" has the key \"{}\", needed an id", decoder->name, id);
      Json entry = token;
      if (!entry.is_object()) wrong("tokenizer_config.json: field \"{}\" is no object", decoder->path(id));
      entry["id"] = std::stoi(id);
      list.push_back(std::move(entry));
    }
    return list;
  }
  const Json added = companion("added_tokens.json", beside.added_tokens);
  for (const auto& [content, id] : added.items())
    list.push_back({{"content", content}, {"id", id}, {"special", true}, {"normalized", false}});
  // GPT-2's one special token is a piece of its vocabulary, and older checkpoints list it nowhere.
  for (size_t i = 0; list.empty() && i < file.pieces.size(); ++i)
    if (file.pieces[i] == kEndOfText)
      return Json::array({{{"content", kEndOfText}, {"id", file.ids[i]}, {"special", true}, {"normalized", false}}});
  return list;
}

}  // namespace

TokenizerFile file_of_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt,
                                       const Companions& beside) {
  const Json config = companion("tokenizer_config.json", beside.tokenizer_config);
  const Node node{config, ""};
  const std::string kind = text_field(node, "tokenizer_class").value_or("GPT2Tokenizer");
  const bool qwen2 = kind.starts_with("Qwen2Tokenizer");
  if (!qwen2 && !kind.starts_with("GPT2Tokenizer"))
    wrong(
        "tokenizer_config.json: field \"tokenizer_class\" is \"{}\", needed GPT2Tokenizer or Qwen2Tokenizer "
        "where there is no tokenizer.json",
        kind);
  TokenizerFile file = read_tokenizer_file(vocab_json, true);
  read_merges_txt(merges_txt, file);
  file.document = {
      {"model", {{"type", "BPE"}}},
      {"added_tokens", added_tokens(node, beside, file)},
      {"pre_tokenizer", qwen2 ? qwen2_words() : byte_level(bool_field(node, "add_prefix_space", false), true)},
      {"decoder", {{"type", "ByteLevel"}}}};
  if (qwen2) file.document["normalizer"] = {{"type", "NFC"}};
  return file;
}

Result<Tokenizer> Tokenizer::from_vocab_and_merges(std::string_view name, std::string_view vocab_json,
                                                   std::string_view merges_txt, const Companions& beside) {
  return caught(name, [&] {
    return make_tokenizer(build_from_file(name, file_of_vocab_and_merges(vocab_json, merges_txt, beside), beside));
  });
}

}  // namespace lathe::tokenize
