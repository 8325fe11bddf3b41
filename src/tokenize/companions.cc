#include "tokenize/companions.h"

#include <array>

#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

struct Role {
  std::string_view field;
  int32_t SpecialIds::*id;
  std::array<std::string_view, 4> usual;
};
constexpr std::array<Role, 7> kRoles = {{
    {"cls_token", &SpecialIds::cls, {"[CLS]", "<s>", "", ""}},
    {"sep_token", &SpecialIds::sep, {"[SEP]", "</s>", "", ""}},
    {"bos_token", &SpecialIds::bos, {"<s>", "<bos>", "<|begin_of_text|>", "<|endoftext|>"}},
    {"eos_token", &SpecialIds::eos, {"</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>"}},
    {"pad_token", &SpecialIds::pad, {"[PAD]", "<pad>", "", ""}},
    {"unk_token", &SpecialIds::unk, {"[UNK]", "<unk>", "", ""}},
    {"mask_token", &SpecialIds::mask, {"[MASK]", "<mask>", "", ""}},
}};

int32_t usual_id(const Role& role, const PieceIndex& pieces) {
  for (const std::string_view name : role.usual) {
    const int32_t id = name.empty() ? -1 : pieces.find(name);
    if (id >= 0) return id;
  }
  return -1;
}

}  // namespace

AddedToken read_added_token(const Node& node, int32_t id) {
  AddedToken token;
  token.id = id;
  token.content = needed_text(node, "content");
  if (token.content.empty() || token.content.size() > kLongestAddedToken)
    wrong("field \"{}\" has {} bytes, needed 1 to {}", node.path("content"), token.content.size(), kLongestAddedToken);
  token.special = bool_field(node, "special", false);
  token.single_word = bool_field(node, "single_word", false);
  token.left_strip = bool_field(node, "lstrip", false);
  token.right_strip = bool_field(node, "rstrip", false);
  token.normalized = bool_field(node, "normalized", !token.special);
  return token;
}

std::optional<std::string> token_content(const Node& node, std::string_view field) {
  const Json* found = find_field(node, field);
  if (!found) return std::nullopt;
  if (found->is_string()) return found->get<std::string>();
  return text_field(Node{*found, node.path(field)}, "content");
}

Json companion(std::string_view name, std::string_view json) {
  if (json.empty()) return Json::object();
  try {
    Json document = read_document(json);
    if (!document.is_object()) wrong("found no JSON object");
    return document;
  } catch (const Wrong& error) {
    wrong("{}: {}", name, error.what);
  }
}

void read_companions(const Companions& beside, Tokenizer::Parts& parts) {
  const Json config = companion("tokenizer_config.json", beside.tokenizer_config);
  const Json map = companion("special_tokens_map.json", beside.special_tokens_map);
  const Node config_node{config, ""}, map_node{map, ""};
  for (const Role& role : kRoles) {
    auto content = token_content(config_node, role.field);
    if (!content) content = token_content(map_node, role.field);
    parts.special.*role.id = content ? parts.by_text.find(*content) : usual_id(role, parts.by_text);
  }
  // A model without a limit has 1e30 there, a real number.
  const Json* most = find_field(config_node, "model_max_length");
  constexpr int64_t kNoLimit = int64_t{1} << 30;
  if (most && most->is_number_integer() && most->get<int64_t>() > 0 && most->get<int64_t>() < kNoLimit &&
      !parts.max_tokens)
    parts.max_tokens = most->get<int64_t>();
}

}  // namespace lathe::tokenize
