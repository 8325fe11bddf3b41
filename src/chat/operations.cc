#include "chat/operations.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/shown.h"
#include "chat/methods.h"
#include "tokenize/utf8.h"

namespace lathe::chat {
namespace {

void check_depth(int depth, const Heap& heap) {
  if (depth > heap.limits().depth) wrong("a value is nested more than {} deep", heap.limits().depth);
}

[[noreturn]] void bad_operands(std::string_view op, const Value& a, const Value& b) {
  for (const Value& value : {a, b})
    if (value.is(Type::undefined)) wrong("{} is undefined, needed: a value for '{}'", undefined_name(value), op);
  wrong("'{}' does not take {} and {}", op, type_name(a), type_name(b));
}

Value repeated(const Value& what, int64_t count, Heap& heap) {
  count = std::max<int64_t>(count, 0);
  if (what.is(Type::text)) {
    heap.charge(static_cast<size_t>(
        std::min<double>(static_cast<double>(what.text->size()) * static_cast<double>(count), 1e18)));
    std::string made;
    for (int64_t i = 0; i < count && !what.text->empty(); ++i) made += *what.text;
    return heap.text(std::move(made));
  }
  const auto& items = what.list->items;
  heap.charge(static_cast<size_t>(
      std::min<double>(static_cast<double>(items.size() * sizeof(Value)) * static_cast<double>(count), 1e18)));
  std::vector<Value> made;
  for (int64_t i = 0; i < count && !items.empty(); ++i) made.insert(made.end(), items.begin(), items.end());
  return heap.list(std::move(made), what.type);
}

int64_t floor_divided(int64_t a, int64_t b) {
  const int64_t whole = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? whole - 1 : whole;
}

Value whole_arithmetic(std::string_view op, int64_t a, int64_t b) {
  int64_t made = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &made);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &made);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &made);
  } else if (op == "//" || op == "%") {
    if (b == 0) wrong("division by zero");
    overflow = a == std::numeric_limits<int64_t>::min() && b == -1;
    if (!overflow) made = op == "//" ? floor_divided(a, b) : a - floor_divided(a, b) * b;
  } else {  // "**", b >= 0
    made = 1;
    if (a == 0 || a == 1 || a == -1) return Value::of(b == 0 ? int64_t{1} : a == -1 && b % 2 == 0 ? int64_t{1} : a);
    for (int64_t i = 0; i < b && !overflow; ++i) overflow = __builtin_mul_overflow(made, a, &made);
  }
  if (overflow) wrong("the result of '{}' does not fit in 64 bits", op);
  return Value::of(made);
}

Value real_arithmetic(std::string_view op, double a, double b) {
  if ((op == "/" || op == "//" || op == "%") && b == 0) wrong("division by zero");
  if (op == "+") return Value::of(a + b);
  if (op == "-") return Value::of(a - b);
  if (op == "*") return Value::of(a * b);
  if (op == "/") return Value::of(a / b);
  if (op == "//") return Value::of(std::floor(a / b));
  if (op == "%") return Value::of(a - std::floor(a / b) * b);
  return Value::of(std::pow(a, b));
}

// Where Python's slice begins, ends and steps, for `size` elements.
struct Range {
  int64_t from, to, step;
};
Range range_of(const Value& from, const Value& to, const Value& step, int64_t size) {
  const auto given = [](const Value& v) { return !v.is(Type::undefined) && !v.is(Type::none); };
  Range range{0, size, given(step) ? need_integer(step, "a slice") : 1};
  if (range.step == 0) wrong("the step of a slice is 0");
  const bool back = range.step < 0;
  const auto place = [&](const Value& v, int64_t fallback) {
    if (!given(v)) return fallback;
    int64_t at = need_integer(v, "a slice");
    if (at < 0) at += size;
    return std::clamp<int64_t>(at, back ? -1 : 0, back ? size - 1 : size);
  };
  range.from = place(from, back ? size - 1 : 0);
  range.to = place(to, back ? -1 : size);
  return range;
}

}  // namespace

std::string_view type_name(const Value& value) {
  switch (value.type) {
    case Type::undefined:
      return "an undefined value";
    case Type::none:
      return "none";
    case Type::boolean:
      return "a boolean";
    case Type::integer:
      return "an integer";
    case Type::real:
      return "a float";
    case Type::text:
      return "a string";
    case Type::list:
      return "a list";
    case Type::tuple:
      return "a tuple";
    case Type::dict:
      return "a dict";
    case Type::space:
      return "a namespace";
    case Type::loop:
      return "a loop";
    default:
      return "a function";
  }
}

std::string undefined_name(const Value& value) { return value.text ? shown(*value.text) : "a value"; }

bool truth(const Value& value) {
  switch (value.type) {
    case Type::undefined:
    case Type::none:
      return false;
    case Type::boolean:
      return value.boolean;
    case Type::integer:
      return value.integer != 0;
    case Type::real:
      return value.real != 0;
    case Type::text:
      return !value.text->empty();
    case Type::list:
    case Type::tuple:
      return !value.list->items.empty();
    case Type::dict:
      return !value.dict->items.empty();
    default:
      return true;
  }
}

bool equal(const Value& a, const Value& b, Heap& heap, int depth) {
  check_depth(depth, heap);
  heap.step();
  if (a.is_whole() && b.is_whole()) return a.whole() == b.whole();
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.type != b.type) return false;
  switch (a.type) {
    case Type::undefined:
    case Type::none:
      return true;
    case Type::text:
      heap.step_over(std::min(a.text->size(), b.text->size()));
      return *a.text == *b.text;
    case Type::list:
    case Type::tuple:
      return std::equal(a.list->items.begin(), a.list->items.end(), b.list->items.begin(), b.list->items.end(),
                        [&](const Value& x, const Value& y) { return equal(x, y, heap, depth + 1); });
    case Type::dict:
      if (a.dict->items.size() != b.dict->items.size()) return false;
      return std::all_of(a.dict->items.begin(), a.dict->items.end(), [&](const auto& entry) {
        const Value* other = find(*b.dict, entry.first, heap);
        return other && equal(entry.second, *other, heap, depth + 1);
      });
    default:
      return a.text == b.text;  // the same object
  }
}

int order(const Value& a, const Value& b, Heap& heap, int depth) {
  check_depth(depth, heap);
  heap.step();
  if (a.is_whole() && b.is_whole()) return a.whole() < b.whole() ? -1 : a.whole() > b.whole();
  if (a.is_number() && b.is_number()) return a.number() < b.number() ? -1 : a.number() > b.number();
  if (a.is(Type::text) && b.is(Type::text)) {
    heap.step_over(std::min(a.text->size(), b.text->size()));
    return a.text->compare(*b.text);  // UTF-8 is in the order of its code points
  }
  if (!a.is_sequence() || a.type != b.type) bad_operands("<", a, b);
  const auto &x = a.list->items, &y = b.list->items;
  for (size_t i = 0; i < x.size() && i < y.size(); ++i)
    if (!equal(x[i], y[i], heap, depth + 1)) return order(x[i], y[i], heap, depth + 1);
  return x.size() < y.size() ? -1 : x.size() > y.size();
}

bool contains(const Value& container, const Value& wanted, Heap& heap) {
  if (container.is(Type::text)) {
    heap.step_over(container.text->size());
    return container.text->find(need_text(wanted, "'in' a string")) != std::string::npos;
  }
  if (container.is(Type::undefined)) return false;
  if (container.is_mapping()) return find(*container.dict, wanted, heap) != nullptr;
  if (!container.is_sequence()) wrong("'in' does not look into {}", type_name(container));
  return std::any_of(container.list->items.begin(), container.list->items.end(),
                     [&](const Value& value) { return equal(value, wanted, heap); });
}

Value arithmetic(std::string_view op, const Value& a, const Value& b, Heap& heap) {
  if (op == "~") {
    std::string made = text_of(a, heap);
    return heap.text(made += text_of(b, heap));
  }
  if (op == "+" && a.is(Type::text) && b.is(Type::text)) {
    heap.step_over(a.text->size() + b.text->size());
    return heap.text(*a.text + *b.text);
  }
  if (op == "+" && a.is_sequence() && a.type == b.type) {
    std::vector<Value> made = a.list->items;
    made.insert(made.end(), b.list->items.begin(), b.list->items.end());
    heap.step_over(made.size() * sizeof(Value));
    return heap.list(std::move(made), a.type);
  }
  const auto repeats = [](const Value& v) { return v.is(Type::text) || v.is_sequence(); };
  if (op == "*" && repeats(a) && b.is_whole()) return repeated(a, b.whole(), heap);
  if (op == "*" && repeats(b) && a.is_whole()) return repeated(b, a.whole(), heap);
  if (!a.is_number() || !b.is_number()) bad_operands(op, a, b);
  const bool stays_whole = op != "/" && !(op == "**" && b.number() < 0);
  if (a.is_whole() && b.is_whole() && stays_whole) return whole_arithmetic(op, a.whole(), b.whole());
  return real_arithmetic(op, a.number(), b.number());
}

std::vector<Value> elements(const Value& value, Heap& heap) {
  std::vector<Value> made;
  switch (value.type) {
    case Type::undefined:
      return made;
    case Type::list:
    case Type::tuple:
      heap.step_over(value.list->items.size() * sizeof(Value));
      return value.list->items;
    case Type::dict:
      heap.step_over(value.dict->items.size() * sizeof(Value));
      for (const auto& entry : value.dict->items) made.push_back(entry.first);
      return made;
    case Type::text:
      for (std::string_view rest = *value.text; !rest.empty();) {
        const size_t bytes = tokenize::sequence_length(rest[0]);
        heap.step();
        made.push_back(heap.text(std::string(rest.substr(0, bytes))));
        rest.remove_prefix(bytes);
      }
      return made;
    default:
      wrong("{} has no elements to go through", type_name(value));
  }
}

int64_t length(const Value& value, Heap& heap) {
  if (value.is(Type::undefined)) return 0;
  if (value.is_sequence()) return static_cast<int64_t>(value.list->items.size());
  if (value.is(Type::dict)) return static_cast<int64_t>(value.dict->items.size());
  if (!value.is(Type::text)) wrong("{} has no length", type_name(value));
  heap.step_over(value.text->size());
  return std::count_if(value.text->begin(), value.text->end(), [](char c) { return !tokenize::is_continuation(c); });
}

const Value* find(const Dict& dict, std::string_view key, Heap& heap) {
  heap.step_over(dict.items.size() * 8);
  for (const auto& [name, value] : dict.items)
    if (name.is(Type::text) && *name.text == key) return &value;
  return nullptr;
}

const Value* find(const Dict& dict, const Value& key, Heap& heap) {
  if (key.is(Type::text)) return find(dict, *key.text, heap);
  for (const auto& [name, value] : dict.items)
    if (equal(name, key, heap)) return &value;
  return nullptr;
}

void put(Dict& dict, const Value& key, const Value& value, Heap& heap) {
  if (const Value* found = find(dict, key, heap)) {
    const_cast<Value&>(*found) = value;  // `dict` itself may be changed
    return;
  }
  heap.charge(2 * sizeof(Value));
  dict.items.emplace_back(key, value);
}

Value field(const Value& value, const std::string& name, Heap& heap) {
  heap.step();
  if (value.is(Type::undefined))
    wrong("{} is undefined, needed: a value with a field {}", undefined_name(value), shown(name));
  if (has_method(value, name)) return heap.method(value, name);
  if (value.is_mapping())
    if (const Value* found = find(*value.dict, name, heap)) return *found;
  if (value.is(Type::loop)) return loop_field(*value.loop, name);
  return Value::of(&name, Type::undefined);
}

Value item(const Value& value, const Value& key, Heap& heap) {
  heap.step();
  if (value.is(Type::undefined)) wrong("{} is undefined, needed: a value with elements", undefined_name(value));
  if (value.is_mapping())
    if (const Value* found = find(*value.dict, key, heap)) return *found;
  if (key.is(Type::text))
    return value.is_mapping() ? Value::of(key.text, Type::undefined) : field(value, *key.text, heap);
  if (!key.is_whole() || !(value.is_sequence() || value.is(Type::text))) return {};
  const int64_t size = length(value, heap), at = key.whole() < 0 ? key.whole() + size : key.whole();
  if (at < 0 || at >= size) return {};
  if (value.is_sequence()) return value.list->items[static_cast<size_t>(at)];
  return slice(value, Value::of(at), Value::of(at + 1), {}, heap);
}

Value slice(const Value& value, const Value& from, const Value& to, const Value& step, Heap& heap) {
  if (!value.is_sequence() && !value.is(Type::text)) wrong("{} cannot be sliced", type_name(value));
  const int64_t size = length(value, heap);
  const Range range = range_of(from, to, step, size);
  const auto each = [&](auto&& take) {
    for (int64_t at = range.from; range.step < 0 ? at > range.to : at < range.to;) {
      heap.step();
      take(static_cast<size_t>(at));
      if (__builtin_add_overflow(at, range.step, &at)) break;
    }
  };
  if (value.is_sequence()) {
    std::vector<Value> made;
    each([&](size_t at) { made.push_back(value.list->items[at]); });
    return heap.list(std::move(made), value.type);
  }
  std::vector<size_t> begins;  // of characters
  heap.charge(value.text->size() * sizeof(size_t));
  for (size_t at = 0; at < value.text->size(); at += tokenize::sequence_length((*value.text)[at])) begins.push_back(at);
  std::string made;
  each([&](size_t at) { made.append(*value.text, begins[at], tokenize::sequence_length((*value.text)[begins[at]])); });
  return heap.text(std::move(made));
}

const std::string& need_text(const Value& value, std::string_view what) {
  if (!value.is(Type::text)) wrong("{} needs a string, found {}", what, type_name(value));
  return *value.text;
}

int64_t need_integer(const Value& value, std::string_view what) {
  if (!value.is_whole()) wrong("{} needs an integer, found {}", what, type_name(value));
  return value.whole();
}

}  // namespace lathe::chat
