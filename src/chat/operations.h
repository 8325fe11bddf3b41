// What Python's operators and conversions do with values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "chat/budget.h"
#include "chat/value.h"

namespace lathe::chat {

bool truth(const Value& value);
bool equal(const Value& a, const Value& b, Heap& heap, int depth = 0);
// Less than 0, 0, more than 0: numbers, texts and lists of them; throws for others.
int order(const Value& a, const Value& b, Heap& heap, int depth = 0);
bool contains(const Value& container, const Value& wanted, Heap& heap);
Value arithmetic(std::string_view op, const Value& a, const Value& b, Heap& heap);

// str() and repr(). An undefined value is an empty text.
std::string text_of(const Value& value, Heap& heap);
std::string repr_of(const Value& value, Heap& heap, int depth = 0);

struct JsonStyle {
  int64_t indent = -1;  // below 0: on one line
  bool ascii = false, sorted = false;
  std::string between = ", ", behind_key = ": ";
};
// json.dumps().
std::string json_of(const Value& value, const JsonStyle& style, Heap& heap);

// The elements that a loop goes through; throws for a value that has none.
std::vector<Value> elements(const Value& value, Heap& heap);
int64_t length(const Value& value, Heap& heap);

// Keys of templates are mostly texts.
const Value* find(const Dict& dict, std::string_view key, Heap& heap);
const Value* find(const Dict& dict, const Value& key, Heap& heap);
void put(Dict& dict, const Value& key, const Value& value, Heap& heap);

// value.name and value[key]; undefined where it is not there.
Value field(const Value& value, const std::string& name, Heap& heap);
Value item(const Value& value, const Value& key, Heap& heap);
// value[from:to:step]; undefined parts are left out.
Value slice(const Value& value, const Value& from, const Value& to, const Value& step, Heap& heap);

const std::string& need_text(const Value& value, std::string_view what);
int64_t need_integer(const Value& value, std::string_view what);

}  // namespace lathe::chat
