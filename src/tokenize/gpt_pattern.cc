#include "tokenize/gpt_pattern.h"

#include <array>

#include "tokenize/unicode.h"
#include "tokenize/utf8.h"

namespace lathe::tokenize {
namespace {

constexpr std::string_view kGpt2 = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

enum class Kind : uint8_t { letter, number, space, newline, rest };

constexpr std::array<Kind, 128> ascii_kinds() {
  std::array<Kind, 128> table{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
    const bool space = c == ' ' || (c >= 9 && c <= 13);
    table[static_cast<size_t>(c)] = letter                   ? Kind::letter
                                    : c >= '0' && c <= '9'   ? Kind::number
                                    : c == '\r' || c == '\n' ? Kind::newline
                                    : space                  ? Kind::space
                                                             : Kind::rest;
  }
  return table;
}
constexpr std::array<Kind, 128> kAscii = ascii_kinds();

Kind kind_of(uint32_t c) {
  if (c < 0x80) return kAscii[c];
  if (is_letter(c)) return Kind::letter;
  if (is_number(c)) return Kind::number;
  return is_whitespace(c) ? Kind::space : Kind::rest;
}

bool is_space(Kind kind) { return kind == Kind::space || kind == Kind::newline; }

class Scanner {
 public:
  Scanner(GptPattern pattern, std::string_view text)
      : gpt2_(pattern == GptPattern::gpt2),
        digits_(pattern == GptPattern::qwen2    ? 1
                : pattern == GptPattern::llama3 ? 3
                                                : SIZE_MAX),
        text_(text) {}

  // Where the word that begins at `at` ends.
  size_t word_end(size_t at) const {
    const Look first = look(at);
    if (text_[at] == '\'') {
      const size_t end = contraction_end(at);
      if (end != at) return end;
    }
    if (first.kind == Kind::letter) return run_end(first.end, Kind::letter);
    if (first.kind == Kind::number) return numbers_end(first.end);
    if (first.end < text_.size()) {
      const Look second = look(first.end);
      const bool leads_letters = gpt2_ ? text_[at] == ' ' : first.kind != Kind::newline;
      if (leads_letters && second.kind == Kind::letter) return run_end(second.end, Kind::letter);
      if (text_[at] == ' ' && second.kind == Kind::rest) return rest_end(second.end);
      if (gpt2_ && text_[at] == ' ' && second.kind == Kind::number) return numbers_end(second.end);
    }
    if (first.kind == Kind::rest) return rest_end(first.end);
    return spaces_end(at);
  }

 private:
  struct Look {
    Kind kind;
    size_t end;
  };
  Look look(size_t at) const {
    if (is_ascii(text_[at])) return {kAscii[static_cast<size_t>(text_[at])], at + 1};
    const CodePoint c = first_code_point(text_.substr(at));
    return {kind_of(c.value), at + c.length};
  }
  size_t run_end(size_t at, Kind kind, size_t most = SIZE_MAX) const {
    for (; at < text_.size() && most > 0; --most) {
      const Look next = look(at);
      if (next.kind != kind) break;
      at = next.end;
    }
    return at;
  }
  size_t numbers_end(size_t at) const { return run_end(at, Kind::number, digits_ - 1); }
  size_t rest_end(size_t at) const {
    at = run_end(at, Kind::rest);
    return gpt2_ ? at : run_end(at, Kind::newline);
  }
  // Spaces up to the last line break among them (not GPT-2); else all of them where the text ends; else all but the
  // last, which leads the next word; a single one stands alone.
  size_t spaces_end(size_t begin) const {
    size_t at = begin, last = begin, newline = begin;
    while (at < text_.size()) {
      const Look next = look(at);
      if (!is_space(next.kind)) break;
      last = at;
      at = next.end;
      if (next.kind == Kind::newline) newline = at;
    }
    if (!gpt2_ && newline != begin) return newline;
    return at == text_.size() || last == begin ? at : last;
  }
  // 's 't 're 've 'm 'll 'd; GPT-2 knows them in lower case only. `at` is the apostrophe.
  size_t contraction_end(size_t at) const {
    const auto letter = [this](size_t i) -> char {
      if (i >= text_.size()) return 0;
      return gpt2_ || text_[i] < 'A' || text_[i] > 'Z' ? text_[i] : static_cast<char>(text_[i] | 0x20);
    };
    const char a = letter(at + 1), b = letter(at + 2);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return at + 2;
    if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l')) return at + 3;
    if (!gpt2_ && text_.substr(at + 1).starts_with("\xC5\xBF")) return at + 3;  // the long s folds to s
    return at;
  }

  bool gpt2_;
  size_t digits_;  // at most in one word
  std::string_view text_;
};

}  // namespace

std::string_view pattern_text(GptPattern pattern) {
  return pattern == GptPattern::gpt2 ? kGpt2 : pattern == GptPattern::qwen2 ? kQwen2 : kLlama3;
}

std::optional<GptPattern> known_pattern(std::string_view text) {
  for (const GptPattern pattern : {GptPattern::gpt2, GptPattern::qwen2, GptPattern::llama3})
    if (text == pattern_text(pattern)) return pattern;
  // GPT-2's with its contractions gathered.
  if (text == R"('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)") return GptPattern::gpt2;
  return std::nullopt;
}

void cut_by_pattern(GptPattern pattern, std::string_view text, Span within, std::vector<Span>& out) {
  const Scanner scanner(pattern, text.substr(0, within.end));
  for (uint32_t at = within.begin; at < within.end;) {
    const auto end = static_cast<uint32_t>(scanner.word_end(at));
    out.push_back({at, end});
    at = end;
  }
}

}  // namespace lathe::tokenize
