// The filters of Jinja, and tojson as transformers defines it.
#include "chat/filters.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/shown.h"
#include "chat/operations.h"

namespace lathe::chat {
namespace {

using Filter = Value (*)(const Value& value, const Arguments& arguments, Heap& heap);
struct Row {
  std::string_view name;
  Filter filter;
};

// value.a.b.0, as "attribute" arguments name it.
Value attribute_of(Value value, const Value& path, Heap& heap) {
  if (path.is_whole()) return item(value, path, heap);
  std::string_view rest = need_text(path, "'attribute'");
  for (;;) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view part = rest.substr(0, dot);
    int64_t index = 0;
    const auto read = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool is_index = !part.empty() && read.ec == std::errc() && read.ptr == part.data() + part.size();
    if (value.is(Type::undefined)) return value;
    value = item(value, is_index ? Value::of(index) : heap.text(std::string(part)), heap);
    if (dot == rest.size()) return value;
    rest.remove_prefix(dot + 1);
  }
}

// The arguments behind the first `used` ones, as those of a filter or a test that is named by the one before them.
Arguments inner(const Arguments& a, size_t used) {
  Arguments made{.name = need_text(a.need(used - 1), a.name)};
  made.values.assign(a.values.begin() + static_cast<ptrdiff_t>(used), a.values.end());
  made.named = a.named;
  return made;
}

Value filtered(const Value& v, const Arguments& a, Heap& h, bool by_attribute, bool wanted) {
  std::vector<Value> made;
  const size_t test_at = by_attribute ? 1 : 0;
  if (by_attribute) a.need(0);
  const bool has_test = a.values.size() > test_at;
  const Arguments test = has_test ? inner(a, test_at + 1) : Arguments{};
  if (!truth(v)) return h.list();  // of none, too
  for (const Value& one : elements(v, h)) {
    const Value looked_at = by_attribute ? attribute_of(one, a.at(0), h) : one;
    const bool passes = has_test ? apply_test(looked_at, test, h) : truth(looked_at);
    if (passes == wanted) made.push_back(one);
  }
  return h.list(std::move(made));
}

Value mapped(const Value& v, const Arguments& a, Heap& h) {
  std::vector<Value> made;
  const Value path = a.values.empty() ? a.at(0, "attribute") : Value();
  const Value fallback = a.values.empty() ? a.at(1, "default") : Value();
  if (!truth(v)) return h.list();
  for (const Value& one : elements(v, h)) {
    if (path.is(Type::undefined)) {
      made.push_back(apply_filter(one, inner(a, 1), h));
      continue;
    }
    const Value found = attribute_of(one, path, h);
    made.push_back(found.is(Type::undefined) && !fallback.is(Type::undefined) ? fallback : found);
  }
  return h.list(std::move(made));
}

Value joined(const Value& v, const Arguments& a, Heap& h) {
  const std::string between = text_of(a.at(0, "d"), h);
  const Value path = a.at(1, "attribute");
  std::string made;
  bool first = true;
  for (const Value& one : elements(v, h)) {
    const std::string part = text_of(path.is(Type::undefined) ? one : attribute_of(one, path, h), h);
    h.charge(part.size() + between.size());
    (made += std::exchange(first, false) ? "" : between) += part;
  }
  return h.text(std::move(made));
}

// What sort, unique, min and max compare: texts without regard to case, unless they are told otherwise.
Value sort_key(const Value& one, const Value& path, bool exact, Heap& h) {
  const Value found = path.is(Type::undefined) ? one : attribute_of(one, path, h);
  return found.is(Type::text) && !exact ? h.text(lower(*found.text)) : found;
}

Value sorted(const Value& v, const Arguments& a, Heap& h) {
  const bool back = truth(a.at(0, "reverse")), exact = truth(a.at(1, "case_sensitive"));
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& one : elements(v, h)) keyed.emplace_back(sort_key(one, a.at(2, "attribute"), exact, h), one);
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& x, const auto& y) {
    const int found = order(x.first, y.first, h);
    return back ? found > 0 : found < 0;
  });
  std::vector<Value> made;
  for (const auto& entry : keyed) made.push_back(entry.second);
  return h.list(std::move(made));
}

Value unique(const Value& v, const Arguments& a, Heap& h) {
  std::vector<Value> made, keys;
  for (const Value& one : elements(v, h)) {
    const Value key = sort_key(one, a.at(1, "attribute"), truth(a.at(0, "case_sensitive")), h);
    if (std::any_of(keys.begin(), keys.end(), [&](const Value& other) { return equal(other, key, h); })) continue;
    keys.push_back(key);
    made.push_back(one);
  }
  return h.list(std::move(made));
}

Value extreme(const Value& v, const Arguments& a, Heap& h, int sign) {
  Value best, best_key;
  for (const Value& one : elements(v, h)) {
    const Value key = sort_key(one, a.at(1, "attribute"), truth(a.at(0, "case_sensitive")), h);
    if (!best_key.is(Type::undefined) && order(key, best_key, h) * sign <= 0) continue;
    best = one;
    best_key = key;
  }
  return best;
}

Value sum(const Value& v, const Arguments& a, Heap& h) {
  Value made = a.has(1, "start") ? a.at(1, "start") : Value::of(int64_t{0});
  const Value path = a.at(0, "attribute");
  for (const Value& one : elements(v, h))
    made = arithmetic("+", made, path.is(Type::undefined) ? one : attribute_of(one, path, h), h);
  return made;
}

Value dict_sorted(const Value& v, const Arguments& a, Heap& h) {
  if (!v.is(Type::dict)) wrong("'dictsort' needs a dict, found {}", type_name(v));
  const bool by_value = a.has(1, "by") && text_of(a.at(1, "by"), h) == "value", back = truth(a.at(2, "reverse"));
  auto entries = v.dict->items;
  h.charge(entries.size() * 2 * sizeof(Value));
  const auto key = [&](const auto& entry) {
    return sort_key(by_value ? entry.second : entry.first, {}, truth(a.at(0, "case_sensitive")), h);
  };
  std::stable_sort(entries.begin(), entries.end(), [&](const auto& x, const auto& y) {
    const int found = order(key(x), key(y), h);
    return back ? found > 0 : found < 0;
  });
  std::vector<Value> made;
  for (const auto& [name, value] : entries) made.push_back(h.list({name, value}, Type::tuple));
  return h.list(std::move(made));
}

Value json(const Value& v, const Arguments& a, Heap& h) {
  JsonStyle style;
  style.ascii = truth(a.at(0, "ensure_ascii"));
  if (const Value indent = a.at(1, "indent"); !indent.is(Type::undefined) && !indent.is(Type::none)) {
    style.indent = std::clamp<int64_t>(need_integer(indent, "'tojson'"), 0, 100);
    style.between = ",";
  }
  if (const Value marks = a.at(2, "separators"); marks.is_sequence()) {
    if (marks.list->items.size() != 2) wrong("'tojson' needs two separators, found {}", marks.list->items.size());
    style.between = need_text(marks.list->items[0], "'tojson'");
    style.behind_key = need_text(marks.list->items[1], "'tojson'");
  }
  style.sorted = truth(a.at(3, "sort_keys"));
  return h.text(json_of(v, style, h));
}

Value default_of(const Value& v, const Arguments& a, Heap& h) {
  const bool missing = v.is(Type::undefined) || (truth(a.at(1, "boolean")) && !truth(v));
  return !missing ? v : a.has(0, "default_value") ? a.at(0, "default_value") : h.text("");
}

Value indented(const Value& v, const Arguments& a, Heap& h) {
  const Value width = a.at(0, "width");
  const bool first = truth(a.at(1, "first")), blank = truth(a.at(2, "blank"));
  if (width.is_whole()) h.charge(static_cast<size_t>(std::max<int64_t>(width.whole(), 0)));
  const std::string margin =
      width.is(Type::text) ? *width.text
      : width.is(Type::undefined)
          ? "    "
          : std::string(static_cast<size_t>(std::max<int64_t>(need_integer(width, a.name), 0)), ' ');
  std::string made;
  std::string_view rest = need_text(v, a.name);
  for (bool is_first = true; !rest.empty() || is_first; is_first = false) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, std::min(end + 1, rest.size()));
    h.charge(margin.size() + line.size());
    if (is_first ? first : (blank || end > 0)) made += margin;
    made += line;
    rest.remove_prefix(line.size());
  }
  return h.text(std::move(made));
}

Value to_integer(const Value& v, const Arguments& a, Heap& h) {
  const Value fallback = a.has(0, "default") ? a.at(0, "default") : Value::of(int64_t{0});
  if (v.is_whole()) return Value::of(v.whole());
  if (v.is(Type::real)) return std::fabs(v.real) < 9e18 ? Value::of(static_cast<int64_t>(v.real)) : fallback;
  if (!v.is(Type::text)) return fallback;
  const std::string text = stripped(*v.text, {}, true, true);
  int64_t made = 0;
  const char *begin = text.data() + (text.starts_with('+') ? 1 : 0), *end = text.data() + text.size();
  if (const auto read = std::from_chars(begin, end, made); read.ec == std::errc() && read.ptr == end)
    return Value::of(made);
  double real = 0;
  const auto read = std::from_chars(begin, end, real);
  const bool fits = read.ec == std::errc() && read.ptr == end && std::fabs(real) < 9e18;
  h.step();
  return fits ? Value::of(static_cast<int64_t>(real)) : fallback;
}

Value to_real(const Value& v, const Arguments& a, Heap&) {
  const Value fallback = a.has(0, "default") ? a.at(0, "default") : Value::of(0.0);
  if (v.is_number()) return Value::of(v.number());
  if (!v.is(Type::text)) return fallback;
  const std::string text = stripped(*v.text, {}, true, true);
  double made = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + (text.starts_with('+') ? 1 : 0), end, made);
  return read.ec == std::errc() && read.ptr == end ? Value::of(made) : fallback;
}

Value rounded(const Value& v, const Arguments& a, Heap&) {
  const int64_t digits = a.has(0, "precision") ? need_integer(a.at(0, "precision"), a.name) : 0;
  if (!v.is_number()) wrong("'round' needs a number, found {}", type_name(v));
  const double scale = std::pow(10.0, static_cast<double>(std::clamp<int64_t>(digits, -300, 300)));
  const std::string way = a.at(1, "method").is(Type::text) ? *a.at(1, "method").text : "common";
  const double scaled = v.number() * scale;
  const double made = way == "ceil" ? std::ceil(scaled) : way == "floor" ? std::floor(scaled) : std::nearbyint(scaled);
  return Value::of(made / scale);
}

Value absolute(const Value& v, const Arguments&, Heap&) {
  if (!v.is_number()) wrong("'abs' needs a number, found {}", type_name(v));
  if (v.is_whole() && v.whole() > INT64_MIN) return Value::of(v.whole() < 0 ? -v.whole() : v.whole());
  return Value::of(std::fabs(v.number()));
}

Value escaped(const Value& v, const Arguments&, Heap& h) {
  std::string made;
  for (const char c : text_of(v, h)) {
    constexpr std::string_view kFrom = "&<>'\"";
    constexpr std::string_view kTo[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    const size_t found = kFrom.find(c);
    made += found == kFrom.npos ? std::string_view(&c, 1) : kTo[found];
  }
  return h.text(std::move(made));
}

Value pairs(const Value& v, const Arguments&, Heap& h) {
  if (v.is(Type::undefined)) return h.list();
  if (!v.is(Type::dict)) wrong("'items' needs a dict, found {}", type_name(v));
  return call_method({v, "items"}, {.name = "items"}, h);
}

Value edge(const Value& v, Heap& h, bool first) {
  const auto all = elements(v, h);
  return all.empty() ? Value() : first ? all.front() : all.back();
}

Value reversed(const Value& v, const Arguments&, Heap& h) {
  auto all = elements(v, h);
  std::reverse(all.begin(), all.end());
  if (!v.is(Type::text)) return h.list(std::move(all));
  std::string made;
  for (const Value& one : all) made += *one.text;
  return h.text(std::move(made));
}

Value counted(const Value& v, const Arguments&, Heap& h) { return Value::of(length(v, h)); }

constexpr Row kFilters[] = {
    {"trim", [](const Value& v, const Arguments& a,
                Heap& h) { return h.text(stripped(text_of(v, h), a.at(0, "chars"), true, true)); }},
    {"tojson", json},
    {"length", counted},
    {"count", counted},
    {"upper", [](const Value& v, const Arguments&, Heap& h) { return h.text(upper(text_of(v, h))); }},
    {"lower", [](const Value& v, const Arguments&, Heap& h) { return h.text(lower(text_of(v, h))); }},
    {"title", [](const Value& v, const Arguments&, Heap& h) { return h.text(title(text_of(v, h))); }},
    {"capitalize", [](const Value& v, const Arguments&, Heap& h) { return h.text(capitalized(text_of(v, h))); }},
    {"join", joined},
    {"default", default_of},
    {"d", default_of},
    {"select", [](const Value& v, const Arguments& a, Heap& h) { return filtered(v, a, h, false, true); }},
    {"reject", [](const Value& v, const Arguments& a, Heap& h) { return filtered(v, a, h, false, false); }},
    {"selectattr", [](const Value& v, const Arguments& a, Heap& h) { return filtered(v, a, h, true, true); }},
    {"rejectattr", [](const Value& v, const Arguments& a, Heap& h) { return filtered(v, a, h, true, false); }},
    {"map", mapped},
    {"items", pairs},
    {"list", [](const Value& v, const Arguments&, Heap& h) { return h.list(elements(v, h)); }},
    {"first", [](const Value& v, const Arguments&, Heap& h) { return edge(v, h, true); }},
    {"last", [](const Value& v, const Arguments&, Heap& h) { return edge(v, h, false); }},
    {"string", [](const Value& v, const Arguments&, Heap& h) { return h.text(text_of(v, h)); }},
    {"int", to_integer},
    {"float", to_real},
    {"abs", absolute},
    {"round", rounded},
    {"sum", sum},
    {"min", [](const Value& v, const Arguments& a, Heap& h) { return extreme(v, a, h, -1); }},
    {"max", [](const Value& v, const Arguments& a, Heap& h) { return extreme(v, a, h, 1); }},
    {"replace",
     [](const Value& v, const Arguments& a, Heap& h) {
       const int64_t most = a.at(2, "count").is_whole() ? a.at(2, "count").whole() : INT64_MAX;
       return h.text(replaced(text_of(v, h), text_of(a.need(0, "old"), h), text_of(a.need(1, "new"), h), most, h));
     }},
    {"sort", sorted},
    {"unique", unique},
    {"reverse", reversed},
    {"dictsort", dict_sorted},
    {"indent", indented},
    {"safe", [](const Value& v, const Arguments&, Heap&) { return v; }},
    {"escape", escaped},
    {"e", escaped},
};

}  // namespace

Value apply_filter(const Value& value, const Arguments& arguments, Heap& heap) {
  heap.step();
  for (const Row& row : kFilters)
    if (row.name == arguments.name) return row.filter(value, arguments, heap);
  wrong("there is no filter {}", shown(arguments.name));
}

}  // namespace lathe::chat
