#include "probe/shapes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "tune/problem_text.h"

namespace lathe::probe {
namespace {

using Json = nlohmann::json;

constexpr int64_t kMaxSize = (int64_t{1} << 31) - 1;
constexpr int64_t kMaxFileBytes = int64_t{16} << 20;  // a hundred thousand shapes; far more than anyone can measure
constexpr std::array kFields = {"name",     "m",     "n",        "k",     "layout", "types",
                                "epilogue", "batch", "prepared", "count", "from"};

// A value as a message shows it: valid UTF-8, and never a page of it.
std::string shown(const Json& value) {
  const std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

// One entry of the array, and where it is, for messages.
struct Entry {
  const Json& json;
  std::string where;  // "FILE: entry 3"

  Status wrong(std::string_view field, const std::string& found, std::string_view needed) const {
    return invalid_argument(fmt::format("{}, field \"{}\" is {}, needed: {}", where, field, found, needed));
  }
  const Json* find(const char* field) const {
    const auto it = json.find(field);
    return it == json.end() ? nullptr : &*it;
  }
  Status missing(std::string_view field, std::string_view needed) const { return wrong(field, "missing", needed); }
};

Status read_size(const Entry& entry, const char* field, bool required, int64_t& out) {
  constexpr std::string_view kNeeded = "a whole number from 1 to 2147483647";
  const Json* value = entry.find(field);
  if (!value) return required ? entry.missing(field, kNeeded) : Status();
  const bool fits = value->is_number_unsigned() ? value->get<uint64_t>() >= 1 && value->get<uint64_t>() <= kMaxSize
                                                : false;  // the parser makes every non-negative integer unsigned
  if (!fits) return entry.wrong(field, shown(*value), kNeeded);
  out = value->get<int64_t>();
  return {};
}

Status read_text(const Entry& entry, const char* field, std::string& out) {
  const Json* value = entry.find(field);
  if (!value) return {};
  if (!value->is_string()) return entry.wrong(field, shown(*value), "a text");
  out = value->get<std::string>();
  return {};
}

Status read_flag(const Entry& entry, const char* field, bool& out) {
  const Json* value = entry.find(field);
  if (!value) return {};
  if (!value->is_boolean()) return entry.wrong(field, shown(*value), "true or false");
  out = value->get<bool>();
  return {};
}

// A field that is one word of a vocabulary; `parse` says in its sentence which words there are.
template <class Parse>
Status read_word(const Entry& entry, const char* field, std::string_view needed, Parse parse) {
  const Json* value = entry.find(field);
  if (!value) return entry.missing(field, needed);
  if (!value->is_string()) return entry.wrong(field, shown(*value), needed);
  if (const Status s = parse(value->get<std::string>()); !s.ok())
    return invalid_argument(fmt::format("{}, field \"{}\": {}", entry.where, field, s.message()));
  return {};
}

Status read_types(const Entry& entry, matmul::Problem& problem) {
  constexpr std::string_view kNeeded = "a type as text, or an object with a, w and c";
  const Json* value = entry.find("types");
  if (!value || !value->is_object())
    return read_word(entry, "types", kNeeded, [&](const std::string& s) { return tune::parse_types(s, problem); });
  for (const auto& [key, unused] : value->items())
    if (key != "a" && key != "w" && key != "c") return entry.wrong("types", "an object with \"" + key + "\"", kNeeded);
  const std::array<std::pair<const char*, matmul::Type*>, 3> parts = {
      {{"a", &problem.a}, {"w", &problem.w}, {"c", &problem.c}}};
  for (const auto& [key, out] : parts) {
    const auto it = value->find(key);
    if (it == value->end() || !it->is_string()) return entry.wrong("types", shown(*value), kNeeded);
    const auto type = tune::parse_type(it->get<std::string>());
    if (!type)
      return invalid_argument(fmt::format("{}, field \"types\".{}: {}", entry.where, key, type.status().message()));
    *out = *type;
  }
  return {};
}

Status check_fields(const Entry& entry) {
  if (!entry.json.is_object())
    return invalid_argument(fmt::format("{} is {}, needed: an object with m, n, k, layout, types and epilogue",
                                        entry.where, shown(entry.json)));
  for (const auto& [key, value] : entry.json.items()) {
    if (std::find(kFields.begin(), kFields.end(), key) != kFields.end()) continue;
    return invalid_argument(fmt::format("{} has the unknown field {}, needed: only {}", entry.where, shown(Json(key)),
                                        fmt::join(kFields, ", ")));
  }
  return {};
}

Status check_memory(const Entry& entry, const matmul::Problem& problem, ShapeLimits limits) {
  const auto bytes = tune::operand_bytes(problem);
  if (!bytes) return invalid_argument(fmt::format("{}, m, n, k and batch: {}", entry.where, bytes.status().message()));
  if (limits.memory_bytes == 0 || bytes->total() <= limits.memory_bytes) return {};
  return invalid_argument(fmt::format(
      "{}, m, n, k and batch: the operands take {:.1f} GiB, needed: at most the {:.1f} "
      "GiB of memory there are",
      entry.where, static_cast<double>(bytes->total()) / 0x1p30, static_cast<double>(limits.memory_bytes) / 0x1p30));
}

Status read_entry(const Entry& entry, ShapeLimits limits, Shape& shape) {
  matmul::Problem& p = shape.problem;
  Status s = check_fields(entry);
  if (s.ok()) s = read_text(entry, "name", shape.name);
  if (s.ok()) s = read_size(entry, "m", true, p.m);
  if (s.ok()) s = read_size(entry, "n", true, p.n);
  if (s.ok()) s = read_size(entry, "k", true, p.k);
  if (s.ok())
    s = read_word(entry, "layout", "nk, kn, tn or tnk", [&](const std::string& t) { return tune::parse_layout(t, p); });
  if (s.ok()) s = read_types(entry, p);
  if (s.ok())
    s = read_word(entry, "epilogue", "none, or steps joined by +",
                  [&](const std::string& t) { return tune::parse_epilogue(t, p); });
  p.prepared = !p.a_transposed;
  if (s.ok()) s = read_size(entry, "batch", false, p.batch);
  if (s.ok()) s = read_flag(entry, "prepared", p.prepared);
  if (s.ok()) s = read_size(entry, "count", false, shape.count);
  if (s.ok()) s = read_text(entry, "from", shape.source);
  if (s.ok()) s = check_memory(entry, p, limits);
  return s;
}

// The document, or the sentence that says where it stops being JSON. The library keeps the last of two equal keys
// without a word; here a repeated field is an error.
Result<Json> parse_document(std::string_view text, std::string_view file) {
  std::vector<std::set<std::string>> open;
  std::string repeated;
  const auto callback = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key && !open.back().insert(parsed.get<std::string>()).second && repeated.empty())
      repeated = shown(parsed);
    return true;
  };
  try {
    Json json = Json::parse(text, callback);
    if (!repeated.empty())
      return invalid_argument(fmt::format("{}: the field {} stands twice in one object, needed: once", file, repeated));
    return json;
  } catch (const Json::parse_error& e) {
    return invalid_argument(fmt::format("{}: not JSON from byte {} on, needed: an array of shapes", file, e.byte));
  }
}

}  // namespace

std::string default_name(const matmul::Problem& p) {
  std::string name = fmt::format("{} {}x{}x{}", tune::types_text(p), p.m, p.n, p.k);
  if (p.batch != 1) name += fmt::format(" batch {}", p.batch);
  if (const std::string epilogue = tune::epilogue_text(p); epilogue != "none") name += " " + epilogue;
  return name;
}

Result<std::vector<Shape>> parse_shapes(std::string_view json, std::string_view file, ShapeLimits limits) {
  const auto document = parse_document(json, file);
  if (!document) return document.status();
  if (!document->is_array())
    return invalid_argument(fmt::format("{}: the document is {}, needed: an array of shapes", file, shown(*document)));
  if (document->empty())
    return invalid_argument(fmt::format("{}: the array is empty, needed: at least one shape", file));
  std::vector<Shape> shapes(document->size());
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Entry entry{(*document)[i], fmt::format("{}: entry {}", file, i)};
    if (Status s = read_entry(entry, limits, shapes[i]); !s.ok()) return s;
    if (shapes[i].name.empty()) shapes[i].name = default_name(shapes[i].problem);
    if (shapes[i].source.empty()) shapes[i].source = std::string(file);
    shapes[i].group = shapes[i].source;
  }
  return shapes;
}

Result<std::vector<Shape>> read_shapes(const std::string& path, ShapeLimits limits) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return not_found(fmt::format("{}: cannot be opened, needed: a JSON file of shapes", path));
  std::string text;
  std::array<char, 65536> part;
  while (in.read(part.data(), part.size()), in.gcount() > 0) {
    text.append(part.data(), static_cast<size_t>(in.gcount()));
    if (text.size() > kMaxFileBytes)
      return invalid_argument(
          fmt::format("{}: longer than {} MiB, needed: a JSON file of shapes", path, kMaxFileBytes >> 20));
  }
  if (in.bad()) return io_error(fmt::format("{}: cannot be read", path));
  return parse_shapes(text, path, limits);
}

}  // namespace lathe::probe
