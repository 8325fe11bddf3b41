#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenize/regex.h"

#include <pcre2.h>

#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;

// PCRE2's \s has U+180E, which has not been a space since Unicode 6.3, and its \w lacks the alphabetic rest and the
// marks. Both are spelled out.
constexpr std::string_view kSpace = "\\t-\\r\\x{85}\\p{Z}";
constexpr std::string_view kWord = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";

std::string to_pcre2(std::string_view pattern) {
  std::string out;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '\\' || i + 1 == pattern.size()) {
      if (c == '[') in_class = true;
      if (c == ']') in_class = false;
      out += c;
      continue;
    }
    const char name = pattern[++i];
    const std::string_view set = name == 's' || name == 'S' ? kSpace : name == 'w' || name == 'W' ? kWord : "";
    const bool negated = name == 'S' || name == 'W';
    if (set.empty() || (in_class && negated))
      (out += c) += name;
    else if (in_class)
      out += set;
    else
      ((out += negated ? "[^" : "[") += set) += ']';
  }
  return out;
}

std::string message_of(int code) {
  PCRE2_UCHAR text[256];
  return pcre2_get_error_message(code, text, sizeof text) < 0 ? fmt::format("error {}", code)
                                                              : reinterpret_cast<const char*>(text);
}

}  // namespace

void MatchMemory::Free::operator()(void* memory) const {
  pcre2_match_data_free(static_cast<pcre2_match_data*>(memory));
}

void* MatchMemory::get() {
  if (!memory_) memory_.reset(pcre2_match_data_create(1, nullptr));
  return memory_.get();
}

void Regex::Free::operator()(void* code) const { pcre2_code_free(static_cast<pcre2_code*>(code)); }

Regex::Regex(std::string_view pattern, std::string_view field) : field_(field) {
  constexpr size_t kLongest = 65536;
  if (pattern.size() > kLongest)
    wrong("field \"{}\" is a pattern of {} bytes, at most {} are taken", field, pattern.size(), kLongest);
  const std::string text = to_pcre2(pattern);
  int error = 0;
  PCRE2_SIZE at = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), kOptions, &error, &at, nullptr));
  if (!code_) wrong("field \"{}\" is no regular expression: {} at byte {}", field, message_of(error), at);
  // Without its compiler (a system that forbids executable memory) PCRE2 interprets: slower, the same matches.
  (void)pcre2_jit_compile(static_cast<pcre2_code*>(code_.get()), PCRE2_JIT_COMPLETE);
}

Regex Regex::literal(std::string_view text, std::string_view field) {
  std::string quoted;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x80 && !std::isalnum(static_cast<unsigned char>(c))) {
      quoted += fmt::format("\\x{{{:x}}}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return Regex(quoted, field);
}

Regex::Match Regex::find(std::string_view text, size_t from, MatchMemory& memory) const {
  auto* const data = static_cast<pcre2_match_data*>(memory.get());
  auto* const code = static_cast<pcre2_code*>(code_.get());
  const auto* const subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  int rc = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, data, nullptr);
  if (rc == PCRE2_ERROR_JIT_STACKLIMIT)  // 32 KiB; the interpreter takes its memory from the heap
    rc = pcre2_match(code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data, nullptr);
  if (rc == PCRE2_ERROR_NOMATCH) return {};
  if (rc < 0) wrong("field \"{}\": the search of a text of {} bytes failed: {}", field_, text.size(), message_of(rc));
  const PCRE2_SIZE* const ends = pcre2_get_ovector_pointer(data);
  return {true, ends[0], ends[1]};
}

}  // namespace lathe::tokenize
