// Values as text: str(), repr() and json.dumps().
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "chat/operations.h"
#include "tokenize/utf8.h"

namespace lathe::chat {
namespace {

std::string real_text(double value, bool as_json) {
  if (std::isnan(value)) return as_json ? "NaN" : "nan";
  if (std::isinf(value)) return std::string(value < 0 ? "-" : "") + (as_json ? "Infinity" : "inf");
  // The shortest digits that give the number back; Python writes an exponent from 1e16 on and below 1e-4, as fmt does.
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == text.npos) text += ".0";
  return text;
}

std::string quoted_repr(std::string_view text) {
  const char quote = text.find('\'') != text.npos && text.find('"') == text.npos ? '"' : '\'';
  std::string made(1, quote);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == quote || c == '\\')
      (made += '\\') += c;
    else if (c == '\n')
      made += "\\n";
    else if (c == '\r')
      made += "\\r";
    else if (c == '\t')
      made += "\\t";
    else if (byte < 0x20 || byte == 0x7f)
      made += fmt::format("\\x{:02x}", byte);
    else
      made += c;
  }
  return made += quote;
}

void append_escaped(uint32_t code_point, std::string& out) {
  if (code_point >= 0x10000) {
    append_escaped(0xD800 + ((code_point - 0x10000) >> 10), out);
    code_point = 0xDC00 + ((code_point - 0x10000) & 0x3FF);
  }
  out += fmt::format("\\u{:04x}", code_point);
}

void append_json_text(std::string_view text, bool ascii, std::string& out) {
  constexpr std::string_view kFrom = "\"\\\b\f\n\r\t", kTo = "\"\\bfnrt";
  out += '"';
  while (!text.empty()) {
    const auto [value, bytes] = tokenize::first_code_point(text);
    const size_t short_form = value < 0x80 ? kFrom.find(static_cast<char>(value)) : kFrom.npos;
    if (short_form != kFrom.npos)
      (out += '\\') += kTo[short_form];
    else if (value < 0x20 || (ascii && value > 0x7E))
      append_escaped(value, out);
    else
      out += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  out += '"';
}

class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, Heap& heap) : style_(style), heap_(heap) {}

  std::string run(const Value& value) {
    write(value, 1);
    return std::move(out_);
  }

 private:
  void line(int depth) {
    if (style_.indent < 0) return;
    const auto blanks = static_cast<size_t>(style_.indent) * static_cast<size_t>(depth);
    heap_.charge(blanks);
    (out_ += '\n').append(blanks, ' ');
  }

  void write(const Value& value, int depth) {
    if (depth > heap_.limits().depth) wrong("a value is nested more than {} deep", heap_.limits().depth);
    heap_.step();
    const size_t before = out_.size();
    if (value.is(Type::dict))
      write_dict(*value.dict, depth);
    else if (value.is_sequence())
      write_list(value.list->items, depth);
    else
      write_scalar(value);
    if (depth == 1) heap_.step_over(out_.size() - before);
  }
  void write_scalar(const Value& value) {
    if (value.is(Type::none))
      out_ += "null";
    else if (value.is(Type::boolean))
      out_ += value.boolean ? "true" : "false";
    else if (value.is(Type::integer))
      out_ += std::to_string(value.integer);
    else if (value.is(Type::real))
      out_ += real_text(value.real, true);
    else if (value.is(Type::text))
      heap_.charge(value.text->size()), append_json_text(*value.text, style_.ascii, out_);
    else
      wrong("{} cannot be written as JSON", type_name(value));
  }
  void write_list(const std::vector<Value>& items, int depth) {
    out_ += '[';
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += style_.between;
      line(depth);
      write(items[i], depth + 1);
    }
    if (!items.empty()) line(depth - 1);
    out_ += ']';
  }
  void write_dict(const Dict& dict, int depth) {
    auto entries = dict.items;
    heap_.charge(entries.size() * 2 * sizeof(Value));
    if (style_.sorted)
      std::stable_sort(entries.begin(), entries.end(),
                       [&](const auto& a, const auto& b) { return order(a.first, b.first, heap_) < 0; });
    out_ += '{';
    for (size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out_ += style_.between;
      line(depth);
      const Value& key = entries[i].first;
      if (key.is(Type::text))
        append_json_text(*key.text, style_.ascii, out_);
      else
        (out_ += '"') += JsonWriter(style_, heap_).run(key) + '"';
      out_ += style_.behind_key;
      write(entries[i].second, depth + 1);
    }
    if (!entries.empty()) line(depth - 1);
    out_ += '}';
  }

  const JsonStyle& style_;
  Heap& heap_;
  std::string out_;
};

}  // namespace

std::string text_of(const Value& value, Heap& heap) {
  if (value.is(Type::undefined)) return {};
  if (!value.is(Type::text)) return repr_of(value, heap);
  heap.charge(value.text->size());
  return *value.text;
}

std::string repr_of(const Value& value, Heap& heap, int depth) {
  if (depth > heap.limits().depth) wrong("a value is nested more than {} deep", heap.limits().depth);
  heap.step();
  switch (value.type) {
    case Type::undefined:
      return "Undefined";
    case Type::none:
      return "None";
    case Type::boolean:
      return value.boolean ? "True" : "False";
    case Type::integer:
      return std::to_string(value.integer);
    case Type::real:
      return real_text(value.real, false);
    case Type::text:
      heap.charge(value.text->size());
      return quoted_repr(*value.text);
    case Type::list:
    case Type::tuple: {
      const bool is_list = value.is(Type::list);
      std::string made = is_list ? "[" : "(";
      for (const Value& one : value.list->items) {
        made += (made.size() > 1 ? ", " : "") + repr_of(one, heap, depth + 1);
        heap.step_over(made.size() / 64);
      }
      if (!is_list && value.list->items.size() == 1) made += ',';
      return made += is_list ? ']' : ')';
    }
    case Type::dict: {
      std::string made = "{";
      for (const auto& [key, one] : value.dict->items)
        made += (made.size() > 1 ? ", " : "") + repr_of(key, heap, depth + 1) + ": " + repr_of(one, heap, depth + 1);
      return made += '}';
    }
    default:
      wrong("{} cannot be printed", type_name(value));
  }
}

std::string json_of(const Value& value, const JsonStyle& style, Heap& heap) {
  return JsonWriter(style, heap).run(value);
}

}  // namespace lathe::chat
