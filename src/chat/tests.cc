// The tests of Jinja: "value is name(...)".
#include <algorithm>

#include "base/shown.h"
#include "chat/filters.h"
#include "chat/operations.h"

namespace lathe::chat {
namespace {

using Test = bool (*)(const Value& value, const Arguments& arguments, Heap& heap);
struct Row {
  std::string_view name;
  Test test;
};

template <bool (*wanted)(int)>
bool ordered(const Value& v, const Arguments& a, Heap& h) {
  return wanted(order(v, a.need(0), h));
}
constexpr bool is_less(int c) { return c < 0; }
constexpr bool is_most(int c) { return c <= 0; }
constexpr bool is_more(int c) { return c > 0; }
constexpr bool is_least(int c) { return c >= 0; }

bool is_equal(const Value& v, const Arguments& a, Heap& h) { return equal(v, a.need(0), h); }
bool is_other(const Value& v, const Arguments& a, Heap& h) { return !equal(v, a.need(0), h); }

bool divides(const Value& v, int64_t by) {
  if (by == 0) wrong("division by zero");
  return by == -1 || need_integer(v, "a test of division") % by == 0;
}

constexpr Row kTests[] = {
    {"defined", [](const Value& v, const Arguments&, Heap&) { return !v.is(Type::undefined); }},
    {"undefined", [](const Value& v, const Arguments&, Heap&) { return v.is(Type::undefined); }},
    {"none", [](const Value& v, const Arguments&, Heap&) { return v.is(Type::none); }},
    {"boolean", [](const Value& v, const Arguments&, Heap&) { return v.is(Type::boolean); }},
    {"true", [](const Value& v, const Arguments&, Heap&) { return v.is(Type::boolean) && v.boolean; }},
    {"false", [](const Value& v, const Arguments&, Heap&) { return v.is(Type::boolean) && !v.boolean; }},
    {"integer", [](const Value& v, const Arguments&, Heap&) { return v.is(Type::integer); }},
    {"float", [](const Value& v, const Arguments&, Heap&) { return v.is(Type::real); }},
    {"number", [](const Value& v, const Arguments&, Heap&) { return v.is_number(); }},
    {"string", [](const Value& v, const Arguments&, Heap&) { return v.is(Type::text); }},
    {"mapping", [](const Value& v, const Arguments&, Heap&) { return v.is(Type::dict); }},
    {"sequence",
     [](const Value& v, const Arguments&, Heap&) { return v.is(Type::text) || v.is_sequence() || v.is(Type::dict); }},
    {"iterable",
     [](const Value& v, const Arguments&, Heap&) {
       return v.is(Type::text) || v.is_sequence() || v.is(Type::dict) || v.is(Type::undefined);
     }},
    {"callable", [](const Value& v, const Arguments&,
                    Heap&) { return v.is(Type::function) || v.is(Type::macro) || v.is(Type::method); }},
    {"odd", [](const Value& v, const Arguments&, Heap&) { return !divides(v, 2); }},
    {"even", [](const Value& v, const Arguments&, Heap&) { return divides(v, 2); }},
    {"divisibleby",
     [](const Value& v, const Arguments& a, Heap&) { return divides(v, need_integer(a.need(0), a.name)); }},
    {"in", [](const Value& v, const Arguments& a, Heap& h) { return contains(a.need(0), v, h); }},
    {"sameas",
     [](const Value& v, const Arguments& a, Heap& h) { return v.type == a.need(0).type && equal(v, a.need(0), h); }},
    {"lower", [](const Value& v, const Arguments&,
                 Heap& h) { return upper(text_of(v, h)) != text_of(v, h) && lower(text_of(v, h)) == text_of(v, h); }},
    {"upper", [](const Value& v, const Arguments&,
                 Heap& h) { return lower(text_of(v, h)) != text_of(v, h) && upper(text_of(v, h)) == text_of(v, h); }},
    {"eq", is_equal},
    {"equalto", is_equal},
    {"==", is_equal},
    {"ne", is_other},
    {"!=", is_other},
    {"lt", ordered<is_less>},
    {"lessthan", ordered<is_less>},
    {"<", ordered<is_less>},
    {"le", ordered<is_most>},
    {"<=", ordered<is_most>},
    {"gt", ordered<is_more>},
    {"greaterthan", ordered<is_more>},
    {">", ordered<is_more>},
    {"ge", ordered<is_least>},
    {">=", ordered<is_least>},
};

}  // namespace

bool apply_test(const Value& value, const Arguments& arguments, Heap& heap) {
  heap.step();
  for (const Row& row : kTests)
    if (row.name == arguments.name) return row.test(value, arguments, heap);
  wrong("there is no test {}", shown(arguments.name));
}

}  // namespace lathe::chat
