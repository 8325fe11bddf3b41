#include "grammar/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "base/shown.h"
#include "grammar/builder.h"
#include "tokenize/utf8.h"

namespace lathe::grammar {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kMostSchemas = 20'000;
constexpr size_t kLongestName = 256;  // each byte is a rule
constexpr int kDeepest = 64;          // schemas within each other

// A model that may write blanks without end does so; these are as many as pretty printing needs.
constexpr std::string_view kBasics = R"(blanks ::= ( " " | "\n"{1,2} [ \t]{0,20} )?
char ::= [^"\\\x00-\x1F\x7F] | "\\" ( ["\\/bfnrt] | "u" [0-9a-fA-F]{4} )
string ::= "\"" char* "\""
boolean ::= "true" | "false"
null ::= "null"
digits ::= "0" | [1-9] [0-9]{0,15}
integer ::= "-"? digits
number ::= integer ( "." [0-9]{1,16} )? ( [eE] [-+]? [0-9]{1,3} )?
member ::= string blanks ":" blanks value
object ::= "{" blanks ( member blanks ( "," blanks member blanks )* )? "}"
array ::= "[" blanks ( value blanks ( "," blanks value blanks )* )? "]"
value ::= object | array | string | number | boolean | null
)";

constexpr std::string_view kAnnotations[] = {
    "title",    "description",     "default",     "examples", "format",   "$schema",         "$id",
    "$comment", "$defs",           "definitions", "$anchor",  "readOnly", "writeOnly",       "deprecated",
    "strict",   "contentEncoding", "nullable",    "example",  "x-order",  "contentMediaType"};

std::string gbnf_literal(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      (made += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20)
      made += fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
    else
      made += c;
  }
  return made += '"';
}

std::string literal(const Json& json) {
  return gbnf_literal(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

class Converter {
 public:
  explicit Converter(const Json& root) : root_(root) {}

  std::string run() {
    const std::string start = visit(root_, "#");
    return fmt::format("root ::= blanks {} blanks\n{}{}", start, kBasics, rules_);
  }

 private:
  using Allowed = std::vector<std::string_view>;

  [[noreturn]] static void fail(std::string_view place, std::string_view what) {
    throw Wrong{fmt::format("at {}: {}", shown(place), what)};
  }
  std::string add(std::string_view body) {
    const std::string name = fmt::format("r{}", ++count_);
    rules_ += fmt::format("{} ::= {}\n", name, body);
    return name;
  }
  static const Json* find(const Json& schema, const char* key) {
    const auto found = schema.find(key);
    return found == schema.end() ? nullptr : &*found;
  }
  // Refuses what a schema says besides `allowed` and annotations.
  static void check_keys(const Json& schema, const std::string& place, const Allowed& allowed) {
    for (const auto& [key, value] : schema.items()) {
      const auto is = [&key = key](std::string_view other) { return key == other; };
      if (std::none_of(allowed.begin(), allowed.end(), is) &&
          std::none_of(std::begin(kAnnotations), std::end(kAnnotations), is))
        fail(place, fmt::format("the keyword {} is not supported here", shown(key)));
    }
  }

  // What matches `schema`, as the name of a rule or something in parentheses.
  std::string visit(const Json& schema, const std::string& place) {
    if (++visited_ > kMostSchemas) fail(place, fmt::format("more than {} schemas", kMostSchemas));
    if (depth_ >= kDeepest) fail(place, fmt::format("schemas are nested more than {} deep", kDeepest));
    ++depth_;
    std::string made = alternatives(schema, place);
    --depth_;
    return made;
  }

  std::string alternatives(const Json& schema, const std::string& place) {
    if (schema.is_boolean() && schema.get<bool>()) return "value";
    if (!schema.is_object()) fail(place, "needed: a schema that allows something, an object or true");
    if (const Json* ref = find(schema, "$ref")) {
      check_keys(schema, place, {"$ref"});
      return reference(*ref, place);
    }
    for (const char* key : {"anyOf", "oneOf"})
      if (const Json* options = find(schema, key)) {
        check_keys(schema, place, {key});
        return any_of(*options, place + "/" + key);
      }
    if (const Json* parts = find(schema, "allOf")) {
      check_keys(schema, place, {"allOf"});
      if (!parts->is_array() || parts->size() != 1) fail(place, "allOf is supported with one element only");
      return visit((*parts)[0], place + "/allOf/0");
    }
    if (const Json* value = find(schema, "const")) {
      check_keys(schema, place, {"const", "type"});
      return add(literal(*value));
    }
    if (const Json* values = find(schema, "enum")) {
      check_keys(schema, place, {"enum", "type"});
      return enumeration(*values, place);
    }
    return typed(schema, place);
  }

  std::string reference(const Json& ref, const std::string& place) {
    if (!ref.is_string()) fail(place, "$ref is no string");
    const std::string target = ref.get<std::string>();
    if (target != "#" && !target.starts_with("#/"))
      fail(place, fmt::format("$ref {} does not lead into the schema", shown(target)));
    if (const auto known = by_reference_.find(target); known != by_reference_.end()) return known->second;
    const Json* at = &root_;
    for (size_t begin = 1; begin < target.size();) {
      const size_t end = std::min(target.find('/', begin + 1), target.size());
      const std::string key = unescaped(target.substr(begin + 1, end - begin - 1));
      const bool is_index =
          at->is_array() && !key.empty() && key.size() < 7 && key.find_first_not_of("0123456789") == key.npos;
      if (is_index && std::stoul(key) < at->size())
        at = &(*at)[std::stoul(key)];
      else if (at->is_object() && at->contains(key))
        at = &(*at)[key];
      else
        fail(place, fmt::format("$ref {} leads to nothing", shown(target)));
      begin = end;
    }
    const std::string name = by_reference_[target] = fmt::format("ref{}", by_reference_.size());
    const std::string body = visit(*at, target);
    rules_ += fmt::format("{} ::= {}\n", name, body);
    return name;
  }
  // Of JSON pointers: "~1" is "/", "~0" is "~".
  static std::string unescaped(const std::string& key) {
    std::string made;
    for (size_t i = 0; i < key.size(); ++i) {
      const bool is_escape = key[i] == '~' && i + 1 < key.size() && (key[i + 1] == '0' || key[i + 1] == '1');
      made += is_escape ? (key[i + 1] == '0' ? '~' : '/') : key[i];
      i += is_escape ? 1 : 0;
    }
    return made;
  }

  std::string any_of(const Json& options, const std::string& place) {
    if (!options.is_array() || options.empty()) fail(place, "needed: a list with at least one schema");
    std::string made;
    for (size_t i = 0; i < options.size(); ++i)
      made += (i > 0 ? " | " : "") + visit(options[i], fmt::format("{}/{}", place, i));
    return add(made);
  }
  std::string enumeration(const Json& values, const std::string& place) {
    if (!values.is_array() || values.empty()) fail(place, "enum needs a list with at least one value");
    std::string made;
    for (size_t i = 0; i < values.size(); ++i) made += (i > 0 ? " | " : "") + literal(values[i]);
    return add(made);
  }

  std::string typed(const Json& schema, const std::string& place) {
    const Json* type = find(schema, "type");
    if (!type) return of_type(implied_type(schema), schema, place);
    if (type->is_string()) return of_type(type->get<std::string>(), schema, place);
    if (!type->is_array() || type->empty()) fail(place, "type is no string and no list of them");
    std::string made;
    for (const Json& one : *type) {
      if (!one.is_string()) fail(place, "type has an element that is no string");
      made += (made.empty() ? "" : " | ") + of_type(one.get<std::string>(), schema, place, true);
    }
    return add(made);
  }
  // Without "type" a schema restricts the values of one type alone, which are then what is meant.
  static std::string implied_type(const Json& schema) {
    const auto has = [&](const char* key) { return schema.contains(key); };
    if (has("properties") || has("required") || has("additionalProperties")) return "object";
    if (has("items") || has("minItems") || has("maxItems")) return "array";
    return has("minLength") || has("maxLength") ? "string" : "any";
  }
  std::string of_type(const std::string& type, const Json& schema, const std::string& place, bool one_of_many = false) {
    static const std::map<std::string, Allowed> kKeys = {
        {"any", {}},     {"string", {"minLength", "maxLength"}},
        {"boolean", {}}, {"object", {"properties", "required", "additionalProperties"}},
        {"null", {}},    {"array", {"items", "minItems", "maxItems"}},
        {"number", {}},  {"integer", {}}};
    const auto keys = kKeys.find(type);
    if (keys == kKeys.end()) fail(place, fmt::format("the type {} is none of JSON's", shown(type)));
    Allowed allowed = {"type"};
    for (const auto& [other, names] : kKeys)
      if (one_of_many || other == type) allowed.insert(allowed.end(), names.begin(), names.end());
    check_keys(schema, place, allowed);
    if (type == "object") return object(schema, place);
    if (type == "array") return array(schema, place);
    if (type == "string") return text(schema, place);
    return type == "any" ? "value" : type;
  }

  // The number at `key`, or `fallback`.
  static int64_t count_at(const Json& schema, const char* key, int64_t fallback, const std::string& place) {
    const Json* found = find(schema, key);
    if (!found) return fallback;
    const bool is_count = found->is_number_unsigned() || (found->is_number_integer() && found->get<int64_t>() >= 0);
    if (!is_count || found->get<uint64_t>() > 1'000'000)
      fail(place, fmt::format("{} is no number from 0 to 1000000", key));
    return found->get<int64_t>();
  }
  static std::string times(int64_t least, int64_t most) {
    return most < 0 ? fmt::format("{{{},}}", least) : fmt::format("{{{},{}}}", least, most);
  }

  std::string text(const Json& schema, const std::string& place) {
    const int64_t least = count_at(schema, "minLength", 0, place), most = count_at(schema, "maxLength", -1, place);
    if (least == 0 && most < 0) return "string";
    if (most >= 0 && most < least) fail(place, "maxLength is below minLength");
    return add(fmt::format("\"\\\"\" char{} \"\\\"\"", times(least, most)));
  }

  std::string array(const Json& schema, const std::string& place) {
    const int64_t least = count_at(schema, "minItems", 0, place), most = count_at(schema, "maxItems", -1, place);
    if (most >= 0 && most < least) fail(place, "maxItems is below minItems");
    const Json* items = find(schema, "items");
    if (most == 0) return add("\"[\" blanks \"]\"");
    const std::string item = items ? visit(*items, place + "/items") : "value";
    const std::string more = times(std::max<int64_t>(least - 1, 0), most < 0 ? -1 : most - 1);
    return add(fmt::format("\"[\" blanks ( {} blanks ( \",\" blanks {} blanks ){} ){} \"]\"", item, item, more,
                           least == 0 ? "?" : ""));
  }

  struct Property {
    std::string member;  // "key": value
    bool required;
  };
  std::string object(const Json& schema, const std::string& place) {
    std::set<std::string> required, names;
    if (const Json* list = find(schema, "required")) {
      if (!list->is_array()) fail(place, "required is no list");
      for (const Json& one : *list) {
        if (!one.is_string()) fail(place, "required has an element that is no string");
        required.insert(one.get<std::string>());
      }
    }
    std::vector<Property> properties;
    const auto add_property = [&](const std::string& key, const std::string& value) {
      properties.push_back(
          {add(fmt::format("{} blanks \":\" blanks {}", literal(key), value)), required.contains(key)});
      names.insert(key);
    };
    if (const Json* list = find(schema, "properties")) {
      if (!list->is_object()) fail(place, "properties is no object");
      for (const auto& [key, value] : list->items()) add_property(key, visit(value, place + "/properties/" + key));
    }
    const Json* more = find(schema, "additionalProperties");
    const bool is_closed = more && more->is_boolean() && !more->get<bool>();
    const std::string other = more && !is_closed ? visit(*more, place + "/additionalProperties") : "value";
    for (const std::string& key : required) {
      if (names.contains(key)) continue;
      if (is_closed) fail(place, fmt::format("required has {}, which additionalProperties forbids", shown(key)));
      add_property(key, other);
    }
    const bool takes_more = more ? !is_closed : properties.empty() && !schema.contains("properties");
    if (!takes_more) return members(properties, "");
    return members(properties, add(fmt::format("{} blanks \":\" blanks {}", other_key(names), other)));
  }

  // The members in their order, commas between them; of each place one rule for "nothing came before" and one for
  // "something did", from the last on.
  std::string members(const std::vector<Property>& properties, const std::string& extra) {
    std::string first = extra.empty() ? "" : fmt::format("( {} blanks ( \",\" blanks {} blanks )* )?", extra, extra);
    std::string later = extra.empty() ? "" : fmt::format("( \",\" blanks {} blanks )*", extra);
    if (!first.empty()) first = add(first), later = add(later);
    for (auto at = properties.rbegin(); at != properties.rend(); ++at) {
      const auto skipped = [&](const std::string& rest) {
        return at->required ? std::string() : rest.empty() ? " | \"\"" : " | " + rest;
      };
      const std::string new_first = fmt::format("{} blanks {}{}", at->member, later, skipped(first));
      const std::string new_later = fmt::format("\",\" blanks {} blanks {}{}", at->member, later, skipped(later));
      first = add(new_first);
      later = add(new_later);
    }
    return add(fmt::format("\"{{\" blanks {} \"}}\"", first));
  }

  // A key that is none of `names`: their tree of bytes, left at some point. Such a key has no escapes, which could
  // spell a name in another way.
  std::string other_key(const std::set<std::string>& names) {
    if (names.empty()) return "string";
    std::vector<std::string> texts;
    for (const std::string& name : names) {
      const std::string text = Json(name).dump(-1, ' ', false, Json::error_handler_t::replace);
      texts.push_back(text.substr(1, text.size() - 2));
    }
    std::sort(texts.begin(), texts.end());
    return add("\"\\\"\" " + other_than({texts.data(), texts.size()}, 0) + " \"\\\"\"");
  }
  // What is none of `texts` behind their first `done` bytes, which they share. Sorted, no two of them equal.
  std::string other_than(std::span<const std::string> texts, size_t done) {
    if (done > kLongestName)
      throw Wrong{fmt::format("beside additionalProperties, names of properties have at most {} bytes", kLongestName)};
    std::string classes, inner;
    const bool ends = texts[0].size() == done;
    for (size_t i = ends ? 1 : 0; i < texts.size();) {
      const size_t bytes = tokenize::sequence_length(texts[i][done]);
      const std::string part = texts[i].substr(done, bytes);
      size_t end = i + 1;
      while (end < texts.size() && texts[end].compare(done, bytes, part) == 0) ++end;
      if (part != "\\") {
        classes += (std::string_view("]^-[").find(part[0]) != std::string_view::npos ? "\\" : "") + part;
        inner += " | " + gbnf_literal(part) + " " + other_than(texts.subspan(i, end - i), done + bytes);
      }
      i = end;
    }
    const std::string outside = fmt::format("[^\"\\\\\\x00-\\x1F\\x7F{}] [^\"\\\\\\x00-\\x1F\\x7F]*", classes);
    return add(outside + inner + (ends ? "" : " | \"\""));
  }

  const Json& root_;
  std::string rules_;
  std::map<std::string, std::string> by_reference_;
  size_t count_ = 0, visited_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<std::string> json_schema_to_gbnf(const nlohmann::ordered_json& schema, std::string_view name) {
  try {
    return Converter(schema).run();
  } catch (const Wrong& error) {
    return invalid_argument(fmt::format("{}: {}", name, error.what));
  }
}

std::string json_object_gbnf() { return fmt::format("root ::= blanks object blanks\n{}", kBasics); }

}  // namespace lathe::grammar
