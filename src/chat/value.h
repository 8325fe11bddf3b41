// The values of a template, as Python has them. A Value is two words; what it leads to belongs to the Heap of one
// rendering (or to the template), so that values may refer to each other as they like and are all freed at once,
// without recursion.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lathe::chat {

struct List;
struct Dict;
struct Closure;
struct Method;
struct Loop;

enum class Type : uint8_t {
  undefined,  // a name or field that is not there; text: its name
  none,
  boolean,
  integer,
  real,
  text,
  list,
  tuple,
  dict,
  space,     // namespace()
  function,  // one that templates are given, by name
  macro,
  method,  // of a text or a dict
  loop,    // the "loop" of a for
};

struct Value {
  Type type = Type::undefined;
  union {
    const std::string* text = nullptr;  // of undefined: its name, or nullptr
    bool boolean;
    int64_t integer;
    double real;
    List* list;
    Dict* dict;
    const Closure* macro;
    const Method* method;
    Loop* loop;
  };

  static Value of_type(Type type) {
    Value made;
    made.type = type;
    return made;
  }
  static Value none() { return of_type(Type::none); }
  static Value of(bool value) {
    Value made = of_type(Type::boolean);
    made.boolean = value;
    return made;
  }
  static Value of(int64_t value) {
    Value made = of_type(Type::integer);
    made.integer = value;
    return made;
  }
  static Value of(double value) {
    Value made = of_type(Type::real);
    made.real = value;
    return made;
  }
  static Value of(const std::string* value, Type type = Type::text) {
    Value made = of_type(type);
    made.text = value;
    return made;
  }
  static Value of(List* value, Type type = Type::list) {
    Value made = of_type(type);
    made.list = value;
    return made;
  }
  static Value of(Dict* value, Type type = Type::dict) {
    Value made = of_type(type);
    made.dict = value;
    return made;
  }
  static Value of(const Closure* value) {
    Value made = of_type(Type::macro);
    made.macro = value;
    return made;
  }
  static Value of(const Method* value) {
    Value made = of_type(Type::method);
    made.method = value;
    return made;
  }
  static Value of(Loop* value) {
    Value made = of_type(Type::loop);
    made.loop = value;
    return made;
  }

  bool is(Type wanted) const { return type == wanted; }
  bool is_number() const { return is(Type::integer) || is(Type::real) || is(Type::boolean); }
  bool is_whole() const { return is(Type::integer) || is(Type::boolean); }
  bool is_sequence() const { return is(Type::list) || is(Type::tuple); }
  bool is_mapping() const { return is(Type::dict) || is(Type::space); }
  int64_t whole() const { return is(Type::boolean) ? boolean : integer; }
  double number() const { return is(Type::real) ? real : static_cast<double>(whole()); }
};

struct List {
  std::vector<Value> items;
};

struct Dict {
  std::vector<std::pair<Value, Value>> items;  // in the order in which they came
};

struct Method {
  Value self;
  std::string_view name;
};

struct Loop {
  const List* over = nullptr;
  int64_t index = 0, depth = 1;
  Value changed = {};  // what loop.changed() was last given
  bool has_changed = false;
};

// Names the type as Python's errors do: "str", "dict", ...
std::string_view type_name(const Value& value);

}  // namespace lathe::chat
