// Changes of letters, of spaces, and of parts of a text.
#include <utf8proc.h>

#include <algorithm>

#include "chat/methods.h"
#include "tokenize/unicode.h"
#include "tokenize/utf8.h"

namespace lathe::chat {
namespace {

using tokenize::append_code_point;

template <class Each>
void each_code_point(std::string_view text, Each&& each) {
  while (!text.empty()) {
    const auto [value, bytes] = tokenize::first_code_point(text);
    each(value);
    text.remove_prefix(bytes);
  }
}

void append_upper(uint32_t c, std::string& out) {
  if (c == 0xDF) {
    out += "SS";
    return;
  }
  append_code_point(static_cast<uint32_t>(utf8proc_toupper(static_cast<utf8proc_int32_t>(c))), out);
}

bool is_python_blank(uint32_t c) { return tokenize::is_whitespace(c) || (c >= 0x1C && c <= 0x1F); }

}  // namespace

std::string stripped(std::string_view text, const Value& characters, bool left, bool right) {
  const bool given = characters.is(Type::text);
  const auto taken = [&](std::string_view rest) {
    const auto [value, bytes] = tokenize::first_code_point(rest);
    return given ? characters.text->find(rest.substr(0, bytes)) != std::string::npos : is_python_blank(value);
  };
  while (left && !text.empty() && taken(text)) text.remove_prefix(tokenize::sequence_length(text[0]));
  while (right && !text.empty() && taken(text.substr(tokenize::last_code_point(text))))
    text.remove_suffix(text.size() - tokenize::last_code_point(text));
  return std::string(text);
}

std::string upper(std::string_view text) {
  std::string made;
  each_code_point(text, [&](uint32_t c) { append_upper(c, made); });
  return made;
}

std::string lower(std::string_view text) {
  std::string made;
  each_code_point(text, [&](uint32_t c) { tokenize::append_lower(c, made); });
  return made;
}

std::string title(std::string_view text) {
  std::string made;
  bool inside = false;
  each_code_point(text, [&](uint32_t c) {
    inside ? tokenize::append_lower(c, made) : append_upper(c, made);
    inside = tokenize::is_letter(c);
  });
  return made;
}

std::string capitalized(std::string_view text) {
  if (text.empty()) return {};
  const size_t first = tokenize::sequence_length(text[0]);
  return upper(text.substr(0, first)) + lower(text.substr(first));
}

std::string replaced(const std::string& text, const std::string& from, const std::string& to, int64_t most,
                     Heap& heap) {
  heap.step_over(text.size());
  std::string made;
  size_t at = 0;
  const auto put = [&](size_t end) {
    made.append(text, at, end - at);
    heap.charge(to.size());
    made += to;
    at = end;
  };
  if (from.empty()) {  // between all characters, as in Python
    for (; at < text.size() && most != 0; --most) {
      const size_t next = at + tokenize::sequence_length(text[at]);
      put(at);
      made.append(text, at, next - at);
      at = next;
    }
    if (at == text.size() && most != 0) put(at);
    return made.append(text, at);
  }
  for (size_t found; most != 0 && (found = text.find(from, at)) != text.npos; --most) {
    put(found);
    at += from.size();
  }
  return made.append(text, at);
}

}  // namespace lathe::chat
