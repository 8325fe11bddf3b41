#include "tokenize/unicode.h"

#include <unicode/uchar.h>
#include <utf8proc.h>

#include <algorithm>

#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

utf8proc_category_t category(uint32_t c) { return utf8proc_category(static_cast<utf8proc_int32_t>(c)); }

bool between(utf8proc_category_t value, utf8proc_category_t low, utf8proc_category_t high) {
  return value >= low && value <= high;
}

// The reference tokenizers classify punctuation, nonspacing marks and controls by tables of Unicode 8: what came later
// is none of these to them. utf8proc does not tell when a code point came; ICU does.
bool is_of_unicode_8(uint32_t c) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] <= 8;
}

bool is_ascii_punctuation(uint32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

bool in(uint32_t c, uint32_t low, uint32_t high) { return c >= low && c <= high; }

// Circled and squared Latin letters are Alphabetic (Other_Alphabetic) though their category is So; utf8proc does not
// carry that property. The other members of Other_Alphabetic are marks.
bool is_enclosed_letter(uint32_t c) {
  return in(c, 0x24B6, 0x24E9) || in(c, 0x1F130, 0x1F149) || in(c, 0x1F150, 0x1F169) || in(c, 0x1F170, 0x1F189);
}

void compose(std::vector<int32_t>& c) {
  const auto options = static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE);
  const auto length = utf8proc_normalize_utf32(c.data(), static_cast<utf8proc_ssize_t>(c.size()), options);
  c.resize(static_cast<size_t>(std::max<utf8proc_ssize_t>(length, 0)));
}

void append_chunk(std::string_view text, Form form, std::vector<int32_t>& scratch, std::string& out) {
  scratch.clear();
  const bool compatibility = form == Form::nfkc || form == Form::nfkd;
  while (!text.empty()) {
    const CodePoint c = first_code_point(text);
    append_decomposed(c.value, compatibility, scratch);
    text.remove_prefix(c.length);
  }
  order_marks(scratch, 0);
  if (form == Form::nfc || form == Form::nfkc) compose(scratch);
  for (const int32_t c : scratch) append_code_point(static_cast<uint32_t>(c), out);
}

}  // namespace

bool is_whitespace(uint32_t c) {
  if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13);
  return c == 0x85 || between(category(c), UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZP);
}

bool is_punctuation(uint32_t c) {
  if (c < 0x80) return is_ascii_punctuation(c);
  return between(category(c), UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO) && is_of_unicode_8(c);
}

bool is_letter(uint32_t c) { return between(category(c), UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO); }
bool is_number(uint32_t c) { return between(category(c), UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO); }
bool is_mark(uint32_t c) { return between(category(c), UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME); }
bool is_nonspacing(uint32_t c) { return category(c) == UTF8PROC_CATEGORY_MN && is_of_unicode_8(c); }

bool is_other(uint32_t c) {
  const auto value = category(c);
  if (value != UTF8PROC_CATEGORY_CC && value != UTF8PROC_CATEGORY_CF && value != UTF8PROC_CATEGORY_CO) return false;
  return is_of_unicode_8(c);
}

bool is_word(uint32_t c) {
  if (c < 0x80) return c == '_' || in(c, '0', '9') || in(c | 0x20, 'a', 'z');
  const auto value = category(c);
  return between(value, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO) ||
         between(value, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME) || value == UTF8PROC_CATEGORY_ND ||
         value == UTF8PROC_CATEGORY_NL || value == UTF8PROC_CATEGORY_PC || c == 0x200C || c == 0x200D ||
         is_enclosed_letter(c);
}

int combining_class(uint32_t c) { return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class; }

bool is_cjk_ideograph(uint32_t c) {
  if (c < 0x3400) return false;
  // U+2B920, not U+2B820: the reference implementation has it so.
  return in(c, 0x4E00, 0x9FFF) || in(c, 0x3400, 0x4DBF) || in(c, 0x20000, 0x2A6DF) || in(c, 0x2A700, 0x2B73F) ||
         in(c, 0x2B740, 0x2B81F) || in(c, 0x2B920, 0x2CEAF) || in(c, 0xF900, 0xFAFF) || in(c, 0x2F800, 0x2FA1F);
}

uint32_t simple_lower(uint32_t c) { return static_cast<uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))); }

void append_lower(uint32_t c, std::string& out) {
  if (c == 0x130)  // the one code point whose lower case has two
    out += "i\xCC\x87";
  else
    append_code_point(simple_lower(c), out);
}

void append_decomposed(uint32_t c, bool compatibility, std::vector<int32_t>& out) {
  if (c < 0x80) return out.push_back(static_cast<int32_t>(c));
  constexpr utf8proc_ssize_t kLongest = 32;  // U+FDFA decomposes into 18
  utf8proc_int32_t parts[kLongest];
  int boundary = 0;
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | (compatibility ? UTF8PROC_COMPAT : 0) | UTF8PROC_STABLE);
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), parts, kLongest, options, &boundary);
  if (count > 0 && count <= kLongest)
    out.insert(out.end(), parts, parts + count);
  else
    out.push_back(static_cast<int32_t>(c));
}

void order_marks(std::vector<int32_t>& c, size_t from) {
  const auto class_of = [](int32_t value) { return combining_class(static_cast<uint32_t>(value)); };
  const auto before = [&](int32_t a, int32_t b) { return class_of(a) < class_of(b); };
  for (size_t begin = from; begin < c.size();) {
    if (c[begin] < 0x300 || class_of(c[begin]) == 0) {
      ++begin;
      continue;
    }
    size_t end = begin + 1;
    while (end < c.size() && class_of(c[end]) != 0) ++end;
    const auto first = c.begin() + static_cast<ptrdiff_t>(begin), last = c.begin() + static_cast<ptrdiff_t>(end);
    constexpr size_t kShort = 16;  // std::stable_sort allocates; no language has so many marks on a letter
    if (end - begin > kShort)
      std::stable_sort(first, last, before);
    else
      for (auto i = first; i != last; ++i) std::rotate(std::upper_bound(first, i, *i, before), i, i + 1);
    begin = end;
  }
}

// An ASCII character never joins what stands before it, so text is cut in front of each: ASCII is copied, and the last
// character of an ASCII run goes with the marks that may follow it.
void append_normalized(std::string_view text, Form form, std::vector<int32_t>& scratch, std::string& out) {
  for (size_t at = 0; at < text.size();) {
    const size_t ascii = ascii_run(text, at);
    if (at + ascii == text.size()) {
      out.append(text.substr(at));
      return;
    }
    const size_t begin = ascii == 0 ? at : at + ascii - 1;
    out.append(text.substr(at, begin - at));
    size_t end = at + ascii;
    while (end < text.size() && !is_ascii(text[end])) ++end;
    append_chunk(text.substr(begin, end - begin), form, scratch, out);
    at = end;
  }
}

size_t grapheme_length(std::string_view text) {
  CodePoint c = first_code_point(text);
  size_t length = c.length;
  utf8proc_int32_t state = 0;
  while (length < text.size()) {
    const CodePoint next = first_code_point(text.substr(length));
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(c.value),
                                         static_cast<utf8proc_int32_t>(next.value), &state))
      break;
    length += next.length;
    c = next;
  }
  return length;
}

}  // namespace lathe::tokenize
