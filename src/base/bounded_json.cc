#include "base/bounded_json.h"

#include <fmt/format.h>

#include <vector>

#include "base/atomic_file.h"
#include "base/shown.h"

namespace lathe {
namespace {

using Json = nlohmann::json;

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }
bool is_structural(char c) { return c == '{' || c == '}' || c == '[' || c == ']' || c == ',' || c == ':'; }

// Behind the quote that ends the string which begins at `at`, or the end of the text.
size_t string_end(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at)
    if (text[at] == '\\') ++at;
  return std::min(at + 1, text.size());
}

// Behind the token or the run of blanks that begins at `at`.
size_t token_end(std::string_view text, size_t at) {
  if (is_structural(text[at])) return at + 1;
  if (text[at] == '"') return string_end(text, at);
  const bool blank = is_blank(text[at]);
  const auto goes_on = [blank](char c) { return is_blank(c) == blank && (blank || (!is_structural(c) && c != '"')); };
  for (++at; at < text.size() && goes_on(text[at]);) ++at;
  return at;
}

// Builds the value that the events describe.
class Builder final : public JsonEvents {
 public:
  using JsonEvents::JsonEvents;
  Json take() { return std::move(root_); }

  bool null() override { return put(nullptr); }
  bool boolean(bool value) override { return put(value); }
  bool number_integer(number_integer_t value) override { return put(value); }
  bool number_unsigned(number_unsigned_t value) override { return put(value); }
  bool number_float(number_float_t value, const string_t&) override { return put(value); }
  bool string(string_t& value) override { return put(std::move(value)); }
  bool binary(binary_t&) override { return false; }  // JSON has none
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    const auto [at, is_new] = open_.back()->emplace(name, nullptr);
    if (!is_new)
      return fail(corrupt(fmt::format("{}: key {} stands twice in one object, needed: once", file(), shown(name))));
    slot_ = &*at;
    return true;
  }

 private:
  bool put(Json value) { return place(std::move(value)) != nullptr; }

  Json* place(Json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_array()) return &open_.back()->emplace_back(std::move(value));
    return &(*slot_ = std::move(value));
  }
  bool open(Json value) {
    open_.push_back(place(std::move(value)));
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  Json root_;
  std::vector<Json*> open_;  // only the innermost grows, so the others stay where they are
  Json* slot_ = nullptr;     // the value of the key that was read last
};

}  // namespace

Status check_json_limits(std::string_view text, std::string_view file, const JsonLimits& limits) {
  int64_t depth = 0, values = 1;
  for (size_t at = 0, end; at < text.size(); at = end) {
    end = token_end(text, at);
    const char c = text[at];
    if (static_cast<int64_t>(end - at) > limits.token)
      return corrupt(fmt::format("{}: JSON token at byte {} is {} bytes long, needed: at most {}", file, at, end - at,
                                 limits.token));
    if (c == '\0') return corrupt(fmt::format("{}: JSON holds a NUL at byte {}, needed: text", file, at));
    if (c == '}' || c == ']') --depth;
    if (c == '{' || c == '[') ++depth;
    if (c == '{' || c == '[' || c == ',' || c == ':') ++values;
    if (depth > limits.depth)
      return corrupt(
          fmt::format("{}: JSON at byte {} is nested {} deep, needed: at most {}", file, at, depth, limits.depth));
    if (values > limits.values)
      return corrupt(fmt::format("{}: JSON holds more than {} values, needed: at most that", file, limits.values));
  }
  return {};
}

bool JsonEvents::parse_error(size_t, const std::string&, const nlohmann::detail::exception& error) {
  // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."; it quotes the token, however long.
  std::string_view what = error.what();
  if (const size_t close = what.find("] "); close != what.npos) what.remove_prefix(close + 2);
  return fail(corrupt(fmt::format("{}: is not JSON: {}; needed: valid JSON", file_, what.substr(0, 200))));
}

Status read_json(std::string_view text, std::string_view file, const JsonLimits& limits, JsonEvents& events) {
  if (const Status status = check_json_limits(text, file, limits); !status.ok()) return status;
  // `false` comes without a reason only from events that forgot to give one.
  if (!Json::sax_parse(text.begin(), text.end(), &events) && events.status().ok())
    return corrupt(fmt::format("{}: is not JSON of the form needed", file));
  return events.status();
}

Result<Json> parse_json(std::string_view text, std::string_view file, const JsonLimits& limits) {
  Builder builder(file);
  if (const Status status = read_json(text, file, limits, builder); !status.ok()) return status;
  return builder.take();
}

Result<Json> load_json(const std::string& path, int64_t bytes, const JsonLimits& limits) {
  const auto text = read_file(path, bytes);
  if (!text) return text.status();
  return parse_json(*text, path, limits);
}

}  // namespace lathe
