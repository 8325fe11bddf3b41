#include "chat/template.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/shown.h"
#include "chat/interpreter.h"
#include "chat/syntax.h"
#include "tokenize/utf8.h"

namespace lathe::chat {
namespace {

using Json = nlohmann::ordered_json;

Value valid_text(const std::string& text, Heap& heap) {
  std::string valid;
  tokenize::append_valid(text, valid);
  return heap.text(std::move(valid));
}

Value value_of(const Json& json, Heap& heap, int depth = 0) {
  if (depth > heap.limits().depth) wrong("what it is given is nested more than {} deep", heap.limits().depth);
  heap.step();
  switch (json.type()) {
    case Json::value_t::boolean:
      return Value::of(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::of(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return Value::of(json.get<double>());
      return Value::of(json.get<int64_t>());
    case Json::value_t::number_float:
      return Value::of(json.get<double>());
    case Json::value_t::string:
      return valid_text(json.get_ref<const std::string&>(), heap);
    case Json::value_t::array: {
      std::vector<Value> made;
      for (const Json& one : json) made.push_back(value_of(one, heap, depth + 1));
      return heap.list(std::move(made));
    }
    case Json::value_t::object: {
      const Value made = heap.dict();
      heap.charge(json.size() * 2 * sizeof(Value));
      for (const auto& [key, one] : json.items())
        made.dict->items.emplace_back(valid_text(key, heap), value_of(one, heap, depth + 1));
      return made;
    }
    default:
      return Value::none();
  }
}

std::string sentence(std::string_view name, const Wrong& error) {
  return error.line > 0 ? fmt::format("{}, line {}: {}", name, error.line, error.what)
                        : fmt::format("{}: {}", name, error.what);
}

}  // namespace

Template::Template(std::string name, std::unique_ptr<const Syntax> syntax)
    : name_(std::move(name)), syntax_(std::move(syntax)) {}
Template::~Template() = default;
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;

Result<Template> Template::parse(std::string_view source, std::string_view name) {
  std::string valid;
  if (!tokenize::is_valid_utf8(source)) {
    tokenize::append_valid(source, valid);
    source = valid;
  }
  try {
    return Template(std::string(name), std::make_unique<const Syntax>(chat::parse(source)));
  } catch (const Wrong& error) {
    return corrupt(sentence(name, error));
  }
}

Result<std::string> Template::render(const nlohmann::ordered_json& context, const std::tm& now,
                                     const Limits& limits) const {
  if (!context.is_object())
    return invalid_argument(fmt::format("{} is given {}, needed: an object", name_, context.type_name()));
  Heap heap(limits);
  try {
    const Value globals = value_of(context, heap);
    return run(*syntax_, *globals.dict, now, heap);
  } catch (const Wrong& error) {
    return failed(sentence(name_, error));
  } catch (const Refused& refused) {
    return invalid_argument(fmt::format("{} refuses these messages: {}", name_, refused.why));
  }
}

}  // namespace lathe::chat
