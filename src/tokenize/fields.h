// Fields of a JSON object by name and type. A field of another type than needed throws Wrong with a sentence; null is
// as good as absent, as in the reference.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tokenize/tokenizer_file.h"

namespace lathe::tokenize {

// An object and the name it goes by in sentences: "normalizer", "pre_tokenizer[1]".
struct Node {
  const Json& json;
  std::string name;

  std::string path(std::string_view field) const {
    return name.empty() ? std::string(field) : name + "." + std::string(field);
  }
};

const Json* find_field(const Node& node, std::string_view field);  // nullptr: absent or null
bool bool_field(const Node& node, std::string_view field, bool absent);
int64_t whole_field(const Node& node, std::string_view field, int64_t absent);
std::optional<std::string> text_field(const Node& node, std::string_view field);
std::string needed_text(const Node& node, std::string_view field);
// A list that must be there.
const Json& needed_list(const Node& node, std::string_view field);
Node element(const Node& node, std::string_view list, size_t i, const Json& json);
// The object in `field`, or nothing where it is absent or null.
std::optional<Node> object_field(const Node& node, std::string_view field);

// "string", "object" ...
std::string_view type_of(const Json& json);

}  // namespace lathe::tokenize
