// The methods of texts and dicts, and the fields of "loop".
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/budget.h"
#include "chat/value.h"

namespace lathe::chat {

// What a function, a filter, a test or a method is called with.
struct Arguments {
  std::string_view name;  // of what is called
  std::vector<Value> values = {};
  std::vector<std::pair<std::string_view, Value>> named = {};

  size_t count() const { return values.size() + named.size(); }
  // The i-th, or the one of that name; undefined where it is not given.
  Value at(size_t i, std::string_view key = "") const;
  bool has(size_t i, std::string_view key = "") const { return !at(i, key).is(Type::undefined); }
  Value need(size_t i, std::string_view key = "") const;
};

bool has_method(const Value& value, std::string_view name);
Value call_method(const Method& method, const Arguments& arguments, Heap& heap);

Value loop_field(const Loop& loop, std::string_view name);

// What filters share with methods.
std::string stripped(std::string_view text, const Value& characters, bool left, bool right);
std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string title(std::string_view text);
std::string capitalized(std::string_view text);
std::string replaced(const std::string& text, const std::string& from, const std::string& to, int64_t most, Heap& heap);

// "'x'", or "a value".
std::string undefined_name(const Value& value);

}  // namespace lathe::chat
