#include "formats/fields.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "base/shown.h"

namespace lathe {
namespace {

// More elements than the vocabulary of any model has; what an array of bytes is widened to stays below 64 MiB.
constexpr size_t kMostElements = size_t{1} << 22;

std::string text_of(const FieldValue& value) {
  struct Text {
    std::string operator()(Absent) const { return "missing"; }
    std::string operator()(Composite c) const { return std::string(c.kind); }
    std::string operator()(bool b) const { return b ? "true" : "false"; }
    std::string operator()(int64_t i) const { return fmt::format("{}", i); }
    std::string operator()(double d) const { return fmt::format("{}", d); }
    std::string operator()(std::string_view s) const { return shown(s); }
  };
  return std::visit(Text{}, value);
}

std::string text_of(IntRange range) {
  if (range.least == IntRange{}.least && range.most == IntRange{}.most) return "an integer";
  return fmt::format("an integer of {} to {}", range.least, range.most);
}

std::string text_of(FloatRange range) {
  if (range.least == FloatRange{}.least && range.most == FloatRange{}.most) return "a finite number";
  return fmt::format("a number of {} to {}", range.least, range.most);
}

Status wrong(const Fields& fields, std::string_view key, std::string_view found, std::string_view needed) {
  return corrupt(fmt::format("{}: {} is {}, needed: {}", fields.file(), key, found, needed));
}

std::optional<int64_t> as_int(const FieldValue& value, IntRange range) {
  const int64_t* number = std::get_if<int64_t>(&value);
  if (!number || *number < range.least || *number > range.most) return std::nullopt;
  return *number;
}

std::optional<double> as_float(const FieldValue& value, FloatRange range) {
  const int64_t* integer = std::get_if<int64_t>(&value);
  const double* real = std::get_if<double>(&value);
  if (!integer && !real) return std::nullopt;
  const double number = integer ? static_cast<double>(*integer) : *real;
  if (!(number >= range.least && number <= range.most)) return std::nullopt;  // NaN neither
  return number;
}

template <class T>
std::optional<T> as(const FieldValue& value) {
  const T* held = std::get_if<T>(&value);
  return held ? std::optional(*held) : std::nullopt;
}

// All elements through `convert`; `needed` is what it takes.
template <class T, class Convert>
Result<std::vector<T>> list(const Fields& fields, std::string_view key, std::string_view needed, Convert convert) {
  std::vector<T> values;
  std::string bad;
  const bool is_array = fields.visit(key, [&](const FieldValue& value) {
    const auto converted = convert(value);
    if (!converted)
      bad = fmt::format("an array whose element {} is {}", values.size(), text_of(value));
    else if (values.size() == kMostElements)
      bad = fmt::format("an array of more than {} elements", kMostElements);
    else
      values.push_back(static_cast<T>(*converted));
    return bad.empty();
  });
  if (!is_array) bad = text_of(fields.at(key));
  if (!bad.empty()) return wrong(fields, key, bad, fmt::format("an array, each {}", needed));
  return values;
}

}  // namespace

Result<int64_t> Fields::require_int(std::string_view key, IntRange range) const {
  const FieldValue value = at(key);
  if (const auto number = as_int(value, range)) return *number;
  return wrong(*this, key, text_of(value), text_of(range));
}

Result<double> Fields::require_float(std::string_view key, FloatRange range) const {
  const FieldValue value = at(key);
  if (const auto number = as_float(value, range)) return *number;
  return wrong(*this, key, text_of(value), text_of(range));
}

Result<bool> Fields::require_bool(std::string_view key) const {
  const FieldValue value = at(key);
  if (const auto held = as<bool>(value)) return *held;
  return wrong(*this, key, text_of(value), "true or false");
}

Result<std::string_view> Fields::require_string(std::string_view key) const {
  const FieldValue value = at(key);
  if (const auto held = as<std::string_view>(value)) return *held;
  return wrong(*this, key, text_of(value), "a string");
}

Result<std::vector<int64_t>> Fields::require_ints(std::string_view key, IntRange range) const {
  return list<int64_t>(*this, key, text_of(range), [range](const FieldValue& value) { return as_int(value, range); });
}

Result<std::vector<float>> Fields::require_floats(std::string_view key) const {
  return list<float>(*this, key, "a finite number", [](const FieldValue& value) { return as_float(value, {}); });
}

Result<std::vector<std::string_view>> Fields::require_strings(std::string_view key) const {
  return list<std::string_view>(*this, key, "a string", as<std::string_view>);
}

Result<int64_t> Fields::int_or(std::string_view key, int64_t fallback, IntRange range) const {
  return has(key) ? require_int(key, range) : Result<int64_t>(fallback);
}

Result<double> Fields::float_or(std::string_view key, double fallback, FloatRange range) const {
  return has(key) ? require_float(key, range) : Result<double>(fallback);
}

Result<bool> Fields::bool_or(std::string_view key, bool fallback) const {
  return has(key) ? require_bool(key) : Result<bool>(fallback);
}

Result<std::string_view> Fields::string_or(std::string_view key, std::string_view fallback) const {
  return has(key) ? require_string(key) : Result<std::string_view>(fallback);
}

}  // namespace lathe
