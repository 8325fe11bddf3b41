#include "formats/hf_config.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/bounded_json.h"
#include "base/shown.h"

namespace lathe {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLargest = 8 << 20;  // bytes; label maps of classifiers bring some to 1 MB
constexpr JsonLimits kLimits{.depth = 32, .token = 1 << 20, .values = 100'000};

FieldValue value_of(const Json& json) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<int64_t>();
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return Composite{"an integer beyond 63 bits"};
      return json.get<int64_t>();
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return std::string_view(json.get_ref<const std::string&>());
    case Json::value_t::array:
      return Composite{"an array"};
    case Json::value_t::object:
      return Composite{"an object"};
    default:
      return Absent{};
  }
}

}  // namespace

HfConfig::HfConfig(std::shared_ptr<const Json> root, const Json* object, std::string file)
    : Fields(std::move(file)), root_(std::move(root)), object_(object) {}

Result<HfConfig> HfConfig::parse(std::string_view text, std::string_view file) {
  auto json = parse_json(text, file, kLimits);
  if (!json) return json.status();
  if (!json->is_object()) return corrupt(fmt::format("{}: is {}, needed: a JSON object", file, json->type_name()));
  auto root = std::make_shared<const Json>(std::move(*json));
  const Json* object = root.get();
  return HfConfig(std::move(root), object, std::string(file));
}

Result<HfConfig> HfConfig::open(const std::string& path) {
  const auto text = read_file(path, kLargest);
  if (!text) return text.status();
  return parse(*text, path);
}

Result<std::vector<HfConfig>> HfConfig::open_list(const std::string& path) {
  auto json = load_json(path, kLargest, kLimits);
  if (!json) return json.status();
  if (!json->is_array()) return corrupt(fmt::format("{}: is {}, needed: a JSON array", path, json->type_name()));
  const auto root = std::make_shared<const Json>(std::move(*json));
  std::vector<HfConfig> list;
  for (const Json& element : *root) {
    const std::string file = fmt::format("{}[{}]", path, list.size());
    if (!element.is_object())
      return corrupt(fmt::format("{}: is {}, needed: a JSON object", file, element.type_name()));
    list.push_back(HfConfig(root, &element, file));
  }
  return list;
}

const Json* HfConfig::find(std::string_view key) const {
  const Json* at = object_;
  while (at) {
    const size_t dot = key.find('.');
    if (!at->is_object()) return nullptr;
    const auto field = at->find(key.substr(0, dot));
    if (field == at->end()) return nullptr;
    at = &*field;
    if (dot == key.npos) return at;
    key.remove_prefix(dot + 1);
  }
  return nullptr;
}

FieldValue HfConfig::at(std::string_view key) const {
  const Json* json = find(key);
  return json ? value_of(*json) : Absent{};
}

bool HfConfig::visit(std::string_view key, const std::function<bool(const FieldValue&)>& each) const {
  const Json* json = find(key);
  if (!json || !json->is_array()) return false;
  for (const Json& element : *json)
    if (!each(value_of(element))) break;
  return true;
}

Result<std::vector<std::pair<std::string, std::string>>> HfConfig::texts(std::string_view key) const {
  std::vector<std::pair<std::string, std::string>> texts;
  const Json* json = find(key);
  if (!json || json->is_null()) return texts;
  if (!json->is_object())
    return corrupt(fmt::format("{}: {} is {}, needed: an object of strings", file(), key, json->type_name()));
  for (const auto& [name, text] : json->items()) {
    if (!text.is_string())
      return corrupt(fmt::format("{}: {}, {} is {}, needed: a string", file(), key, shown(name), text.type_name()));
    texts.emplace_back(name, text.get<std::string>());
  }
  return texts;
}

}  // namespace lathe
