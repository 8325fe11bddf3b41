#include "run/golden.h"

#include <fmt/format.h>

#include <cmath>

#include "base/bounded_json.h"

namespace lathe::run {
namespace {

using Json = nlohmann::json;

constexpr int64_t kLongest = 16 << 20;
constexpr JsonLimits kLimits = {.depth = 8, .token = 1 << 20, .values = 400'000};
constexpr int kVersion = 1;

Result<std::vector<float>> vector_of(const Json& json, const std::string& where) {
  std::vector<float> vector;
  if (!json.is_array() || json.empty()) return corrupt(where + " is no list of numbers");
  double squares = 0;
  for (const Json& value : json) {
    if (!value.is_number()) return corrupt(where + " holds something other than numbers");
    vector.push_back(value.get<float>());
    squares += double{vector.back()} * double{vector.back()};
  }
  if (!(squares > 0) || !std::isfinite(squares)) return corrupt(where + " has no length");
  return vector;
}

}  // namespace

Result<Golden> read_golden(const std::string& path) {
  const auto json = load_json(path, kLongest, kLimits);
  if (!json) return json.status();
  const auto field = [&](const char* name) { return json->is_object() ? json->value(name, Json()) : Json(); };
  if (field("format") != "lathe-golden" || field("version") != kVersion)
    return corrupt(fmt::format("{}: format and version are others, needed: lathe-golden, version {}", path, kVersion));
  const Json texts = field("texts"), vectors = field("vectors"), made_by = field("made_by");
  if (!texts.is_array() || !vectors.is_array() || texts.empty() || texts.size() != vectors.size())
    return corrupt(fmt::format("{}: texts and vectors are {} and {}, needed: as many of each, at least one", path,
                               texts.size(), vectors.size()));
  Golden golden;
  if (made_by.is_string()) golden.made_by = made_by.get<std::string>();
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!texts[i].is_string()) return corrupt(fmt::format("{}: texts, number {} is no text", path, i));
    golden.texts.push_back(texts[i].get<std::string>());
    auto vector = vector_of(vectors[i], fmt::format("{}: vectors, number {}", path, i));
    if (!vector) return vector.status();
    if (i > 0 && vector->size() != golden.vectors.front().size())
      return corrupt(fmt::format("{}: vectors, number {} has {} elements, needed: {} as the first", path, i,
                                 vector->size(), golden.vectors.front().size()));
    golden.vectors.push_back(std::move(*vector));
  }
  return golden;
}

}  // namespace lathe::run
