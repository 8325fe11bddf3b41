#include "tokenize/components.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

int32_t checked_id(const Json& json, const std::string& path, const Tokenizer::Parts& parts) {
  if (!json.is_number_integer() || json.get<int64_t>() < 0 || json.get<int64_t>() >= parts.vocab.size())
    wrong("field \"{}\" is {}, needed an id from 0 to {}", path, json.is_number() ? json.dump() : type_of(json),
          parts.vocab.size() - 1);
  return static_cast<int32_t>(json.get<int64_t>());
}

// The second item of ["[SEP]", 102].
int32_t pair_id(const Node& node, std::string_view field, const Tokenizer::Parts& parts) {
  const Json& pair = needed_list(node, field);
  if (pair.size() != 2) wrong("field \"{}\" has {} items, needed a token and its id", node.path(field), pair.size());
  return checked_id(pair[1], node.path(field) + "[1]", parts);
}

std::vector<int32_t> special_token_ids(const Node& node, const std::string& name, const Tokenizer::Parts& parts) {
  const auto all = object_field(node, "special_tokens");
  const auto token = all ? object_field(*all, name) : std::nullopt;
  if (!token) wrong("field \"{}\" lacks \"{}\", which the template names", node.path("special_tokens"), name);
  std::vector<int32_t> ids;
  for (const Json& id : needed_list(*token, "ids")) ids.push_back(checked_id(id, token->path("ids"), parts));
  return ids;
}

void read_template(const Node& node, Tokenizer::Parts& parts) {
  const Json& single = needed_list(node, "single");
  bool seen = false;
  for (size_t i = 0; i < single.size(); ++i) {
    const Node item = element(node, "single", i, single[i]);
    if (object_field(item, "Sequence")) {
      if (seen) wrong("field \"{}\" has the text twice", node.path("single"));
      seen = true;
    } else if (const auto special = object_field(item, "SpecialToken")) {
      const auto ids = special_token_ids(node, needed_text(*special, "id"), parts);
      auto& side = seen ? parts.after : parts.before;
      side.insert(side.end(), ids.begin(), ids.end());
    } else {
      wrong("field \"{}\" is neither a Sequence nor a SpecialToken", item.name);
    }
  }
  if (!seen) wrong("field \"{}\" has no place for the text", node.path("single"));
}

}  // namespace

void read_post_processor(const Node& node, Tokenizer::Parts& parts) {
  const std::string type = needed_text(node, "type");
  if (type == "Sequence") {
    const Json& list = needed_list(node, "processors");
    for (size_t i = 0; i < list.size(); ++i) read_post_processor(element(node, "processors", i, list[i]), parts);
  } else if (type == "TemplateProcessing") {
    read_template(node, parts);
  } else if (type == "BertProcessing" || type == "RobertaProcessing") {
    parts.before.push_back(pair_id(node, "cls", parts));
    parts.after.push_back(pair_id(node, "sep", parts));
  } else if (type != "ByteLevel") {  // which only trims offsets
    wrong("field \"{}\" is \"{}\", which is no post-processor that lathe knows", node.path("type"), type);
  }
}

}  // namespace lathe::tokenize
