#define PCRE2_CODE_UNIT_WIDTH 8
#include "tokenize/regex.h"

#include <pcre2.h>

#include "tokenize/wrong.h"

namespace lathe::tokenize {
namespace {

constexpr uint32_t kOptions = PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C;

// What Oniguruma's classes are. PCRE2's \s has U+180E, which has not been a space since Unicode 6.3; its \w lacks marks
// and the alphabetic rest (the six numbers of Latin-1 are Oniguruma's own), its \h is a space, its punct lacks symbols.
struct ClassName {
  std::string_view name, set;
};
constexpr ClassName kClasses[] = {
    {"s", R"(\t-\r\x{85}\p{Z})"},
    {"w", R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})"},
    {"h", "0-9A-Fa-f"},
};
constexpr std::string_view kPunct = "[:punct:]", kPunctSet = R"(\p{P}\p{S})";

bool compiles(const std::string& pattern) {
  int error = 0;
  PCRE2_SIZE at = 0;
  auto* const code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), kOptions, &error, &at, nullptr);
  pcre2_code_free(code);
  return code != nullptr;
}

// Rewrites a pattern for PCRE2, from the left.
class Translator {
 public:
  Translator(std::string_view pattern, std::string_view field) : rest_(pattern), field_(field) {}

  std::string translate() {
    while (!rest_.empty()) {
      if (rest_.starts_with('\\') && rest_.size() > 1)
        escape();
      else if (in_class_)
        class_item();
      else if (rest_.starts_with('['))
        open_class();
      else
        copy(1);
    }
    return std::move(out_);
  }

 private:
  void copy(size_t bytes) {
    out_ += rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
  }
  void open_class() {
    in_class_ = true;
    copy(rest_.starts_with("[^") ? 2 : 1);
    if (rest_.starts_with(']')) copy(1);  // itself, where it comes first
  }
  void class_item() {
    if (rest_.starts_with(kPunct)) {
      out_ += kPunctSet;
      rest_.remove_prefix(kPunct.size());
    } else if (rest_.starts_with("[:") && rest_.find(":]") != rest_.npos) {
      copy(rest_.find(":]") + 2);
    } else if (rest_.starts_with('[') || rest_.starts_with("&&")) {
      wrong("field \"{}\" has a class within a class or an intersection (&&), which lathe does not know", field_);
    } else {
      in_class_ = !rest_.starts_with(']');
      copy(1);
    }
  }
  void escape() {
    const std::string_view name = rest_.substr(1, 1);
    if ((name == "p" || name == "P") && rest_.substr(2).starts_with('{')) return property();
    for (const ClassName& known : kClasses) {
      const bool negated = name[0] == known.name[0] - 'a' + 'A';
      if (name != known.name && !negated) continue;
      if (in_class_ && negated) break;  // no set can stand for it there
      if (in_class_)
        out_ += known.set;
      else
        ((out_ += negated ? "[^" : "[") += known.set) += ']';
      rest_.remove_prefix(2);
      return;
    }
    copy(2);
  }
  // \p{Han} is the script itself; PCRE2 would add the characters that it shares with others.
  void property() {
    const size_t end = rest_.find('}');
    if (end == rest_.npos) return copy(rest_.size());
    std::string_view name = rest_.substr(3, end - 3);
    const bool negated = name.starts_with('^');
    if (negated) name.remove_prefix(1);
    const std::string script = fmt::format("{}{{{}sc:{}}}", rest_.substr(0, 2), negated ? "^" : "", name);
    if (name.size() <= 2 || !compiles(script)) return copy(end + 1);
    out_ += script;
    rest_.remove_prefix(end + 1);
  }

  std::string_view rest_, field_;
  std::string out_ = "(*LF)";  // the one line break that "." does not match
  bool in_class_ = false;
};

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
  const std::string text = Translator(pattern, field).translate();
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
