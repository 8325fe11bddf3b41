#include "tokenize/components.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

std::string decode_base64(std::string_view text, std::string_view field) {
  std::string bytes;
  uint32_t bits = 0;
  int count = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char c : text) {
    constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const size_t digit = kDigits.find(c);
    if (digit == kDigits.npos) wrong("field \"{}\" is not base64", field);
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

BertRules read_bert_rules(const Node& node) {
  BertRules rules;
  rules.clean_text = bool_field(node, "clean_text", true);
  rules.space_cjk = bool_field(node, "handle_chinese_chars", true);
  rules.lowercase = bool_field(node, "lowercase", true);
  rules.strip_accents = bool_field(node, "strip_accents", rules.lowercase);  // absent or null: as lowercase
  return rules;
}

NormalizerPtr read_replace(const Node& node) {
  const Pattern pattern = read_pattern(node);
  std::string content = needed_text(node, "content");
  if (pattern.is_regex) return std::make_unique<ReplaceRegex>(pattern.regex(), std::move(content));
  return std::make_unique<ReplaceText>(pattern.text, std::move(content));
}

void read_into(const Node& node, std::vector<NormalizerPtr>& steps, std::optional<BertRules>& bert) {
  const std::string type = needed_text(node, "type");
  if (type == "Sequence") {
    const Json& list = needed_list(node, "normalizers");
    for (size_t i = 0; i < list.size(); ++i) read_into(element(node, "normalizers", i, list[i]), steps, bert);
  } else if (type == "BertNormalizer") {
    bert = read_bert_rules(node);
    steps.push_back(std::make_unique<BertNormalizer>(*bert));
  } else if (type == "NFC") {
    steps.push_back(std::make_unique<UnicodeForm>(Form::nfc));
  } else if (type == "NFD") {
    steps.push_back(std::make_unique<UnicodeForm>(Form::nfd));
  } else if (type == "NFKC") {
    steps.push_back(std::make_unique<UnicodeForm>(Form::nfkc));
  } else if (type == "NFKD") {
    steps.push_back(std::make_unique<UnicodeForm>(Form::nfkd));
  } else if (type == "Lowercase") {
    steps.push_back(std::make_unique<Lowercase>());
  } else if (type == "StripAccents") {
    steps.push_back(std::make_unique<StripAccents>());
  } else if (type == "Nmt") {
    steps.push_back(std::make_unique<Nmt>());
  } else if (type == "Strip") {
    steps.push_back(
        std::make_unique<StripSpace>(bool_field(node, "strip_left", true), bool_field(node, "strip_right", true)));
  } else if (type == "Replace") {
    steps.push_back(read_replace(node));
  } else if (type == "Prepend") {
    steps.push_back(std::make_unique<Prepend>(needed_text(node, "prepend")));
  } else if (type == "Precompiled") {
    const std::string path = node.path("precompiled_charsmap");
    const auto map = text_field(node, "precompiled_charsmap");
    if (map) steps.push_back(std::make_unique<PrecompiledMap>(Charsmap(decode_base64(*map, path), path)));
  } else if (type == "ByteLevel") {
    steps.push_back(std::make_unique<ByteLevelNormalizer>());
  } else {
    wrong("field \"{}\" is \"{}\", which is no normalizer that lathe knows", node.path("type"), type);
  }
}

}  // namespace

Pattern read_pattern(const Node& node) {
  const auto pattern = object_field(node, "pattern");
  if (!pattern) wrong("field \"{}\" is missing, needed an object", node.path("pattern"));
  if (auto text = text_field(*pattern, "String")) return {false, *std::move(text), pattern->path("String")};
  if (auto text = text_field(*pattern, "Regex")) return {true, *std::move(text), pattern->path("Regex")};
  wrong("field \"{}\" has neither \"String\" nor \"Regex\"", pattern->name);
}

NormalizerPtr read_normalizer(const Node& node, std::optional<BertRules>& bert) {
  std::vector<NormalizerPtr> steps;
  read_into(node, steps, bert);
  if (steps.size() != 1) bert.reset();
  if (steps.empty()) return nullptr;
  if (steps.size() == 1) return std::move(steps.front());
  return std::make_unique<NormalizerSequence>(std::move(steps));
}

}  // namespace lathe::tokenize
