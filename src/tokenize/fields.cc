#include "tokenize/fields.h"

#include "tokenize/utf8.h"
#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

[[noreturn]] void wrong_type(const Node& node, std::string_view field, const Json& found, std::string_view needed) {
  wrong("field \"{}\" is a JSON {}, needed {}", node.path(field), type_of(found), needed);
}

}  // namespace

std::string_view type_of(const Json& json) { return json.type_name(); }

const Json* find_field(const Node& node, std::string_view field) {
  if (!node.json.is_object()) wrong("field \"{}\" is a JSON {}, needed an object", node.name, type_of(node.json));
  const auto found = node.json.find(std::string(field));
  return found == node.json.end() || found->is_null() ? nullptr : &*found;
}

bool bool_field(const Node& node, std::string_view field, bool absent) {
  const Json* found = find_field(node, field);
  if (!found) return absent;
  if (!found->is_boolean()) wrong_type(node, field, *found, "true or false");
  return found->get<bool>();
}

int64_t whole_field(const Node& node, std::string_view field, int64_t absent) {
  const Json* found = find_field(node, field);
  if (!found) return absent;
  if (!found->is_number_integer()) wrong_type(node, field, *found, "a whole number");
  return found->get<int64_t>();
}

std::optional<std::string> text_field(const Node& node, std::string_view field) {
  const Json* found = find_field(node, field);
  if (!found) return std::nullopt;
  if (!found->is_string()) wrong_type(node, field, *found, "a string");
  return found->get<std::string>();
}

std::string needed_text(const Node& node, std::string_view field) {
  auto text = text_field(node, field);
  if (!text) wrong("field \"{}\" is missing, needed a string", node.path(field));
  return *std::move(text);
}

const Json& needed_list(const Node& node, std::string_view field) {
  const Json* found = find_field(node, field);
  if (!found) wrong("field \"{}\" is missing, needed a list", node.path(field));
  if (!found->is_array()) wrong_type(node, field, *found, "a list");
  return *found;
}

Node element(const Node& node, std::string_view list, size_t i, const Json& json) {
  return {json, fmt::format("{}[{}]", node.path(list), i)};
}

std::optional<Node> object_field(const Node& node, std::string_view field) {
  const Json* found = find_field(node, field);
  if (!found) return std::nullopt;
  if (!found->is_object()) wrong_type(node, field, *found, "an object");
  return Node{*found, node.path(field)};
}

}  // namespace lathe::tokenize
