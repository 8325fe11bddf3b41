#include "tokenize/components.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

Behavior read_behavior(const Node& node, Behavior absent) {
  const auto text = text_field(node, "behavior");
  if (!text) return absent;
  if (*text == "Removed") return Behavior::removed;
  if (*text == "Isolated") return Behavior::isolated;
  if (*text == "MergedWithPrevious") return Behavior::merged_with_previous;
  if (*text == "MergedWithNext") return Behavior::merged_with_next;
  if (*text == "Contiguous") return Behavior::contiguous;
  wrong("field \"{}\" is \"{}\", needed Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous",
        node.path("behavior"), *text);
}

PreTokenizerPtr read_split(const Node& node) {
  const Pattern pattern = read_pattern(node);
  const Behavior behavior = read_behavior(node, Behavior::isolated);
  const bool invert = bool_field(node, "invert", false);
  // The known patterns leave nothing between their matches, so both of these give the matches themselves.
  const bool gives_matches = (behavior == Behavior::isolated) || (behavior == Behavior::removed && invert);
  const auto known = pattern.is_regex ? known_pattern(pattern.text) : std::nullopt;
  if (known && gives_matches) return std::make_unique<SplitByGptPattern>(*known);
  return std::make_unique<SplitByRegex>(pattern.regex(), behavior, invert);
}

PreTokenizerPtr read_metaspace(const Node& node) {
  const std::string replacement = text_field(node, "replacement").value_or("\xE2\x96\x81");
  if (replacement.empty()) wrong("field \"{}\" is empty, needed one character", node.path("replacement"));
  auto prepend = Metaspace::Prepend::always;
  if (const auto scheme = text_field(node, "prepend_scheme")) {
    if (*scheme == "first")
      prepend = Metaspace::Prepend::first;
    else if (*scheme == "never")
      prepend = Metaspace::Prepend::never;
    else if (*scheme != "always")
      wrong("field \"{}\" is \"{}\", needed always, first or never", node.path("prepend_scheme"), *scheme);
  }
  if (!bool_field(node, "add_prefix_space", true)) prepend = Metaspace::Prepend::never;  // the older field
  return std::make_unique<Metaspace>(replacement, prepend, bool_field(node, "split", true));
}

struct Reading {
  std::vector<PreTokenizerPtr> steps;
  bool bert = false;
  bool bytes = false;
};

void read_into(const Node& node, bool last, bool bytes_possible, Reading& out) {
  const std::string type = needed_text(node, "type");
  const auto add = [&out](PreTokenizerPtr step) { out.steps.push_back(std::move(step)); };
  if (type == "Sequence") {
    const Json& list = needed_list(node, "pretokenizers");
    for (size_t i = 0; i < list.size(); ++i)
      read_into(element(node, "pretokenizers", i, list[i]), last && i + 1 == list.size(), bytes_possible, out);
  } else if (type == "BertPreTokenizer") {
    out.bert = true;
    add(std::make_unique<SplitByClass>(is_whitespace, Behavior::removed));
    add(std::make_unique<SplitByClass>(is_punctuation, Behavior::isolated));
  } else if (type == "Whitespace") {
    add(std::make_unique<WhitespaceWords>());
  } else if (type == "WhitespaceSplit") {
    add(std::make_unique<SplitByClass>(is_whitespace, Behavior::removed));
  } else if (type == "Digits") {
    const bool single = bool_field(node, "individual_digits", false);
    add(std::make_unique<SplitByClass>(is_number, single ? Behavior::isolated : Behavior::contiguous));
  } else if (type == "Punctuation") {
    add(std::make_unique<SplitByClass>(is_punctuation, read_behavior(node, Behavior::isolated)));
  } else if (type == "CharDelimiterSplit") {
    add(std::make_unique<SplitByRegex>(Regex::literal(needed_text(node, "delimiter"), node.path("delimiter")),
                                       Behavior::removed, false));
  } else if (type == "Split") {
    add(read_split(node));
  } else if (type == "Metaspace") {
    add(read_metaspace(node));
  } else if (type == "ByteLevel") {
    out.bytes = last && bytes_possible;
    const auto pattern = bool_field(node, "use_regex", true) ? std::optional(GptPattern::gpt2) : std::nullopt;
    add(std::make_unique<ByteLevel>(bool_field(node, "add_prefix_space", true), pattern, !out.bytes));
  } else {
    wrong("field \"{}\" is \"{}\", which is no pre-tokenizer that lathe knows", node.path("type"), type);
  }
}

}  // namespace

PreTokenizerReading read_pre_tokenizer(const Node& node, bool bytes_possible) {
  Reading reading;
  read_into(node, true, bytes_possible, reading);
  PreTokenizerReading result;
  result.is_bert = reading.bert && reading.steps.size() == 2;
  result.gives_bytes = reading.bytes;
  if (reading.steps.size() == 1)
    result.pre_tokenizer = std::move(reading.steps.front());
  else if (!reading.steps.empty())
    result.pre_tokenizer = std::make_unique<PreTokenizerSequence>(std::move(reading.steps));
  return result;
}

}  // namespace lathe::tokenize
