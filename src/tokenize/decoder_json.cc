#include "tokenize/components.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

size_t count_field(const Node& node, std::string_view field) {
  const int64_t value = whole_field(node, field, 0);
  if (value < 0) wrong("field \"{}\" is {}, needed 0 or more", node.path(field), value);
  return static_cast<size_t>(value);
}

void read_into(const Node& node, std::vector<DecoderStepPtr>& steps) {
  const std::string type = needed_text(node, "type");
  if (type == "Sequence") {
    const Json& list = needed_list(node, "decoders");
    for (size_t i = 0; i < list.size(); ++i) read_into(element(node, "decoders", i, list[i]), steps);
  } else if (type == "ByteLevel") {
    steps.push_back(byte_level_decoder());
  } else if (type == "WordPiece") {
    steps.push_back(wordpiece_decoder(text_field(node, "prefix").value_or("##"), bool_field(node, "cleanup", true)));
  } else if (type == "Metaspace") {
    const bool never = text_field(node, "prepend_scheme") == "never" || !bool_field(node, "add_prefix_space", true);
    steps.push_back(metaspace_decoder(text_field(node, "replacement").value_or("\xE2\x96\x81"), !never));
  } else if (type == "BPEDecoder") {
    steps.push_back(bpe_decoder(text_field(node, "suffix").value_or("</w>")));
  } else if (type == "ByteFallback") {
    steps.push_back(byte_fallback_decoder());
  } else if (type == "Fuse") {
    steps.push_back(fuse_decoder());
  } else if (type == "Strip") {
    std::string content = needed_text(node, "content");
    if (content.empty()) wrong("field \"{}\" is empty, needed one character", node.path("content"));
    steps.push_back(strip_decoder(std::move(content), count_field(node, "start"), count_field(node, "stop")));
  } else if (type == "Replace") {
    steps.push_back(replace_decoder(read_pattern(node).regex(), needed_text(node, "content")));
  } else {
    wrong("field \"{}\" is \"{}\", which is no decoder that lathe knows", node.path("type"), type);
  }
}

}  // namespace

DecoderPtr read_decoder(const std::optional<Node>& node) {
  if (!node) return step_decoder(std::nullopt);
  std::vector<DecoderStepPtr> steps;
  read_into(*node, steps);
  return step_decoder(std::move(steps));
}

}  // namespace lathe::tokenize
