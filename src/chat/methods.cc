#include "chat/methods.h"

#include <algorithm>
#include <limits>

#include "base/shown.h"
#include "chat/operations.h"
#include "tokenize/unicode.h"
#include "tokenize/utf8.h"

namespace lathe::chat {
namespace {

using Call = Value (*)(const Value& self, const Arguments& arguments, Heap& heap);
struct Row {
  std::string_view name;
  Call call;
};

int64_t most_of(const Value& value, std::string_view name) {
  const int64_t most = value.is(Type::undefined) ? -1 : need_integer(value, name);
  return most < 0 ? std::numeric_limits<int64_t>::max() : most;
}

// Characters of `text` before byte `at`.
int64_t place_of(const std::string& text, size_t at) {
  if (at == text.npos) return -1;
  return std::count_if(text.begin(), text.begin() + static_cast<ptrdiff_t>(at),
                       [](char c) { return !tokenize::is_continuation(c); });
}

Value list_of(std::vector<std::string> parts, Heap& heap) {
  std::vector<Value> made;
  for (std::string& part : parts) made.push_back(heap.text(std::move(part)));
  return heap.list(std::move(made));
}

// Bytes of the blanks, or of the word, at one end of `text`.
size_t run_length(std::string_view text, bool blanks, bool from_right) {
  size_t done = 0;
  while (done < text.size()) {
    const std::string_view rest = from_right ? text.substr(0, text.size() - done) : text.substr(done);
    const std::string_view one = from_right ? rest.substr(tokenize::last_code_point(rest)) : rest;
    if (tokenize::is_whitespace(tokenize::first_code_point(one).value) != blanks) break;
    done += from_right ? one.size() : tokenize::sequence_length(one[0]);
  }
  return done;
}

std::vector<std::string> words(std::string_view text, int64_t most, bool from_right) {
  std::vector<std::string> made;
  const auto drop = [&](size_t bytes) { from_right ? text.remove_suffix(bytes) : text.remove_prefix(bytes); };
  for (;; --most) {
    drop(run_length(text, true, from_right));
    if (text.empty()) break;
    const size_t bytes = most == 0 ? text.size() : run_length(text, false, from_right);
    made.emplace_back(from_right ? text.substr(text.size() - bytes) : text.substr(0, bytes));
    drop(bytes);
  }
  if (from_right) std::reverse(made.begin(), made.end());
  return made;
}

Value split_text(const Value& self, const Arguments& a, Heap& heap, bool from_right) {
  const std::string& text = *self.text;
  const Value by = a.at(0, "sep");
  int64_t most = most_of(a.at(1, "maxsplit"), a.name);
  heap.charge(text.size());
  if (by.is(Type::undefined) || by.is(Type::none)) return list_of(words(text, most, from_right), heap);
  const std::string& mark = need_text(by, a.name);
  if (mark.empty()) wrong("'{}' needs a separator that is not empty", a.name);
  std::vector<std::string> made;
  if (from_right) {
    size_t end = text.size();
    for (; most > 0 && end >= mark.size(); --most) {
      const size_t found = text.rfind(mark, end - mark.size());
      if (found == text.npos) break;
      made.push_back(text.substr(found + mark.size(), end - found - mark.size()));
      end = found;
    }
    made.push_back(text.substr(0, end));
    std::reverse(made.begin(), made.end());
    return list_of(std::move(made), heap);
  }
  size_t at = 0;
  for (size_t found; most > 0 && (found = text.find(mark, at)) != text.npos; --most) {
    made.push_back(text.substr(at, found - at));
    at = found + mark.size();
  }
  made.push_back(text.substr(at));
  return list_of(std::move(made), heap);
}

Value has_edge(const Value& self, const Arguments& a, bool at_start) {
  const auto matches = [&](const Value& edge) {
    const std::string& wanted = need_text(edge, a.name);
    return at_start ? self.text->starts_with(wanted) : self.text->ends_with(wanted);
  };
  const Value edge = a.need(0);
  if (!edge.is(Type::tuple)) return Value::of(matches(edge));
  return Value::of(std::any_of(edge.list->items.begin(), edge.list->items.end(), matches));
}

template <class Is>
Value all_of(const Value& self, Is is) {
  std::string_view rest = *self.text;
  bool all = !rest.empty();
  for (; all && !rest.empty(); rest.remove_prefix(tokenize::sequence_length(rest[0])))
    all = is(tokenize::first_code_point(rest).value);
  return Value::of(all);
}

Value lines_of(const Value& self, const Arguments&, Heap& heap) {
  std::vector<std::string> made;
  std::string_view rest = *self.text;
  heap.charge(rest.size());
  while (!rest.empty()) {
    const size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    made.emplace_back(rest.substr(0, end));
    const size_t mark = rest.substr(end).starts_with("\r\n") ? 2 : end < rest.size() ? 1 : 0;
    rest.remove_prefix(end + mark);
  }
  return list_of(std::move(made), heap);
}

constexpr Row kTextMethods[] = {
    {"strip",
     [](const Value& s, const Arguments& a, Heap& h) { return h.text(stripped(*s.text, a.at(0), true, true)); }},
    {"lstrip",
     [](const Value& s, const Arguments& a, Heap& h) { return h.text(stripped(*s.text, a.at(0), true, false)); }},
    {"rstrip",
     [](const Value& s, const Arguments& a, Heap& h) { return h.text(stripped(*s.text, a.at(0), false, true)); }},
    {"split", [](const Value& s, const Arguments& a, Heap& h) { return split_text(s, a, h, false); }},
    {"rsplit", [](const Value& s, const Arguments& a, Heap& h) { return split_text(s, a, h, true); }},
    {"splitlines", lines_of},
    {"startswith", [](const Value& s, const Arguments& a, Heap&) { return has_edge(s, a, true); }},
    {"endswith", [](const Value& s, const Arguments& a, Heap&) { return has_edge(s, a, false); }},
    {"replace",
     [](const Value& s, const Arguments& a, Heap& h) {
       return h.text(replaced(*s.text, need_text(a.need(0), a.name), need_text(a.need(1), a.name),
                              most_of(a.at(2, "count"), a.name), h));
     }},
    {"upper", [](const Value& s, const Arguments&, Heap& h) { return h.text(upper(*s.text)); }},
    {"lower", [](const Value& s, const Arguments&, Heap& h) { return h.text(lower(*s.text)); }},
    {"title", [](const Value& s, const Arguments&, Heap& h) { return h.text(title(*s.text)); }},
    {"capitalize", [](const Value& s, const Arguments&, Heap& h) { return h.text(capitalized(*s.text)); }},
    {"find", [](const Value& s, const Arguments& a,
                Heap&) { return Value::of(place_of(*s.text, s.text->find(need_text(a.need(0), a.name)))); }},
    {"rfind", [](const Value& s, const Arguments& a,
                 Heap&) { return Value::of(place_of(*s.text, s.text->rfind(need_text(a.need(0), a.name)))); }},
    {"count",
     [](const Value& s, const Arguments& a, Heap& h) {
       const std::string& wanted = need_text(a.need(0), a.name);
       if (wanted.empty()) return Value::of(length(s, h) + 1);
       int64_t count = 0;
       for (size_t at = 0; (at = s.text->find(wanted, at)) != s.text->npos; at += wanted.size()) ++count;
       return Value::of(count);
     }},
    {"join",
     [](const Value& s, const Arguments& a, Heap& h) {
       std::string made;
       bool first = true;
       for (const Value& one : elements(a.need(0), h)) {
         const std::string& part = need_text(one, a.name);
         h.charge(part.size() + s.text->size());
         (made += std::exchange(first, false) ? "" : *s.text) += part;
       }
       return h.text(std::move(made));
     }},
    {"removeprefix",
     [](const Value& s, const Arguments& a, Heap& h) {
       const std::string& part = need_text(a.need(0), a.name);
       return h.text(s.text->starts_with(part) ? s.text->substr(part.size()) : *s.text);
     }},
    {"removesuffix",
     [](const Value& s, const Arguments& a, Heap& h) {
       const std::string& part = need_text(a.need(0), a.name);
       return h.text(s.text->ends_with(part) ? s.text->substr(0, s.text->size() - part.size()) : *s.text);
     }},
    {"isdigit",
     [](const Value& s, const Arguments&, Heap&) { return all_of(s, [](uint32_t c) { return c - '0' < 10u; }); }},
    {"isalpha", [](const Value& s, const Arguments&, Heap&) { return all_of(s, tokenize::is_letter); }},
    {"isspace", [](const Value& s, const Arguments&, Heap&) { return all_of(s, tokenize::is_whitespace); }},
};

constexpr Row kDictMethods[] = {
    {"items",
     [](const Value& s, const Arguments&, Heap& h) {
       std::vector<Value> made;
       for (const auto& [key, value] : s.dict->items) made.push_back(h.list({key, value}, Type::tuple));
       return h.list(std::move(made));
     }},
    {"keys", [](const Value& s, const Arguments&, Heap& h) { return h.list(elements(s, h)); }},
    {"values",
     [](const Value& s, const Arguments&, Heap& h) {
       std::vector<Value> made;
       h.charge(s.dict->items.size() * sizeof(Value));
       for (const auto& entry : s.dict->items) made.push_back(entry.second);
       return h.list(std::move(made));
     }},
    {"get",
     [](const Value& s, const Arguments& a, Heap& h) {
       const Value* found = find(*s.dict, a.need(0), h);
       return found ? *found : a.has(1) ? a.at(1) : Value::none();
     }},
};

const Row* row_of(const Value& value, std::string_view name) {
  const auto look = [name](const auto& rows) {
    const auto found = std::find_if(std::begin(rows), std::end(rows), [&](const Row& row) { return row.name == name; });
    return found == std::end(rows) ? nullptr : &*found;
  };
  if (value.is(Type::text)) return look(kTextMethods);
  return value.is(Type::dict) ? look(kDictMethods) : nullptr;
}

Value cycled(const Loop& loop, const Arguments& a) {
  if (a.values.empty()) wrong("'cycle' needs an argument");
  return a.values[static_cast<size_t>(loop.index) % a.values.size()];
}

Value changed(Loop& loop, const Arguments& a, Heap& heap) {
  const Value now = heap.list(a.values, Type::tuple);
  const bool is_new = !loop.has_changed || !equal(now, loop.changed, heap);
  loop.changed = now;
  loop.has_changed = true;
  return Value::of(is_new);
}

}  // namespace

Value Arguments::at(size_t i, std::string_view key) const {
  if (i < values.size()) return values[i];
  for (const auto& [other, value] : named)
    if (!key.empty() && other == key) return value;
  return {};
}

Value Arguments::need(size_t i, std::string_view key) const {
  const Value value = at(i, key);
  if (i >= values.size() && value.is(Type::undefined))
    wrong("{} needs {} arguments, found {}", shown(name), i + 1, count());
  return value;
}

bool has_method(const Value& value, std::string_view name) {
  return row_of(value, name) != nullptr || (value.is(Type::loop) && (name == "cycle" || name == "changed"));
}

Value call_method(const Method& method, const Arguments& arguments, Heap& heap) {
  const Value& self = method.self;
  if (self.is(Type::loop))
    return method.name == "cycle" ? cycled(*self.loop, arguments) : changed(*self.loop, arguments, heap);
  if (self.is(Type::text)) heap.step_over(self.text->size());
  return row_of(self, method.name)->call(self, arguments, heap);
}

Value loop_field(const Loop& loop, std::string_view name) {
  const auto size = static_cast<int64_t>(loop.over->items.size());
  const auto neighbour = [&](int64_t at) {
    return at >= 0 && at < size ? loop.over->items[static_cast<size_t>(at)] : Value();
  };
  if (name == "index") return Value::of(loop.index + 1);
  if (name == "index0") return Value::of(loop.index);
  if (name == "revindex") return Value::of(size - loop.index);
  if (name == "revindex0") return Value::of(size - loop.index - 1);
  if (name == "first") return Value::of(loop.index == 0);
  if (name == "last") return Value::of(loop.index + 1 == size);
  if (name == "length") return Value::of(size);
  if (name == "depth") return Value::of(loop.depth);
  if (name == "depth0") return Value::of(loop.depth - 1);
  if (name == "previtem") return neighbour(loop.index - 1);
  if (name == "nextitem") return neighbour(loop.index + 1);
  return {};
}

}  // namespace lathe::chat
