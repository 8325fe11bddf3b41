#include "chat/lexer.h"

#include <algorithm>
#include <charconv>

#include "base/shown.h"
#include "chat/budget.h"
#include "chat/string_literal.h"

namespace lathe::chat {
namespace {

constexpr std::string_view kBlanks = " \t\n\r\v\f";
constexpr std::string_view kSigns[] = {"//", "**", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "~", "[",
                                       "]",  "(",  ")",  "{",  "}",  "<",  ">", "=", ".", ":", "|", ","};

bool is_blank(char c) { return kBlanks.find(c) != kBlanks.npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c); }

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) data();
    add(TokenKind::end);
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::string what) const { throw Wrong{std::move(what), line_}; }
  std::string_view rest() const { return source_.substr(at_); }
  bool skip(std::string_view text) {
    if (!rest().starts_with(text)) return false;
    advance(text.size());
    return true;
  }
  void skip_blanks() {
    while (at_ < source_.size() && is_blank(source_[at_])) advance(1);
  }
  void advance(size_t count) {
    const auto passed = rest().substr(0, count);
    line_ += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
    at_ += passed.size();
  }
  Token& add(TokenKind kind, std::string text = {}) {
    tokens_.push_back({.kind = kind, .line = line_, .text = std::move(text)});
    return tokens_.back();
  }

  // Text up to the next tag, and the tag.
  void data() {
    size_t tag = source_.find('{', at_);
    while (tag < source_.size() && !is_tag(tag)) tag = source_.find('{', tag + 1);
    const std::string_view text = source_.substr(at_, std::min(tag, source_.size()) - at_);
    if (tag >= source_.size()) {
      add(TokenKind::data, std::string(text));
      return advance(text.size());
    }
    const char kind = source_[tag + 1], sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
    if (const auto kept = before_tag(text, kind, sign); !kept.empty()) add(TokenKind::data, std::string(kept));
    advance(text.size() + 2 + (sign == '-' || sign == '+' ? 1 : 0));
    if (kind == '#') return comment();
    if (kind == '%' && raw()) return;
    inside(kind);
  }
  bool is_tag(size_t at) const {
    return at + 1 < source_.size() && std::string_view("{%#").find(source_[at + 1]) != std::string_view::npos;
  }

  // Without what the tag takes: all blanks before "-"; before a block or a comment that begins its line, its indent.
  std::string_view before_tag(std::string_view text, char kind, char sign) const {
    if (sign == '-') {
      while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    } else if (sign != '+' && kind != '{') {
      const size_t line = text.rfind('\n') + 1;  // 0 where there is none
      const bool begins_line = line > 0 || line_starts_;
      if (begins_line && text.find_first_not_of(" \t", line) == text.npos) text = text.substr(0, line);
    }
    return text;
  }

  // Behind the sign and the end of a tag: "-" takes all blanks, a block or a comment the line break.
  void after_tag(char sign, bool takes_line_break) {
    const size_t end = at_;
    if (sign == '-')
      skip_blanks();
    else if (takes_line_break && sign != '+')
      skip("\n");
    line_starts_ = at_ > end && source_[at_ - 1] == '\n';
  }

  void comment() {
    const size_t end = source_.find("#}", at_);
    if (end == source_.npos) fail("a comment is not closed by '#}'");
    const char sign = end > at_ ? source_[end - 1] : ' ';
    advance(end + 2 - at_);
    after_tag(sign, true);
  }

  // "{% raw %}": text up to "{% endraw %}", whatever it looks like.
  bool raw() {
    const size_t begin = at_;
    const int line = line_;
    skip_blanks();
    const bool named = skip("raw");
    skip_blanks();
    const char sign = named && at_ < source_.size() ? source_[at_] : ' ';
    if (!named || !(skip("%}") || skip("-%}") || skip("+%}"))) return at_ = begin, line_ = line, false;
    after_tag(sign, true);
    for (size_t tag = source_.find("{%", at_); tag != source_.npos; tag = source_.find("{%", tag + 2))
      if (end_raw(tag)) return true;
    fail("'raw' is not closed by 'endraw'");
  }
  bool end_raw(size_t tag) {
    const size_t begin = at_;
    const int line = line_;
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : ' ';
    const std::string_view text = source_.substr(at_, tag - at_);
    advance(text.size() + 2 + (sign == '-' || sign == '+' ? 1 : 0));
    skip_blanks();
    const bool named = skip("endraw");
    skip_blanks();
    const char last = named && at_ < source_.size() ? source_[at_] : ' ';
    if (!named || !(skip("%}") || skip("-%}") || skip("+%}"))) return at_ = begin, line_ = line, false;
    if (const auto kept = before_tag(text, '%', sign); !kept.empty()) add(TokenKind::data, std::string(kept));
    after_tag(last, true);
    return true;
  }

  void inside(char kind) {
    const bool output = kind == '{';
    const std::string_view end = output ? "}}" : "%}";
    add(output ? TokenKind::output_begin : TokenKind::tag_begin);
    std::string open;  // brackets
    for (;;) {
      skip_blanks();
      if (at_ == source_.size()) fail(fmt::format("a tag is not closed by '{}'", end));
      if (open.empty()) {
        const char sign = source_[at_];
        const bool is_signed = sign == '-' || (sign == '+' && !output);
        if (rest().substr(is_signed ? 1 : 0).starts_with(end)) {
          advance(end.size() + (is_signed ? 1 : 0));
          add(output ? TokenKind::output_end : TokenKind::tag_end);
          return after_tag(is_signed ? sign : ' ', !output);
        }
      }
      token(open);
    }
  }

  void token(std::string& open) {
    const char c = source_[at_];
    if (is_digit(c)) return number();
    if (is_name_char(c)) {
      size_t length = 0;
      while (length < rest().size() && is_name_char(rest()[length])) ++length;
      add(TokenKind::name, std::string(rest().substr(0, length)));
      return advance(length);
    }
    if (c == '"' || c == '\'') {
      size_t end = at_ + 1;
      while (end < source_.size() && source_[end] != c) end += source_[end] == '\\' ? 2 : 1;
      if (end >= source_.size()) fail("a text is not closed by its quote");
      add(TokenKind::text, unescaped(source_.substr(at_ + 1, end - at_ - 1)));
      return advance(end + 1 - at_);
    }
    const auto sign = std::find_if(std::begin(kSigns), std::end(kSigns), [&](auto s) { return rest().starts_with(s); });
    if (sign == std::end(kSigns)) fail(fmt::format("unexpected {}", shown(rest().substr(0, 1))));
    if (std::string_view("([{").find(c) != std::string_view::npos) open += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (std::string_view(")]}").find(c) != std::string_view::npos) {
      if (open.empty() || open.back() != c) fail(fmt::format("unexpected '{}'", c));
      open.pop_back();
    }
    add(TokenKind::sign, std::string(*sign));
    advance(sign->size());
  }

  void number() {
    const bool is_field = at_ > 0 && source_[at_ - 1] == '.';  // x.0.1
    size_t length = 0;
    std::string digits;
    const auto take_digits = [&] {
      while (length < rest().size() && (is_digit(rest()[length]) || rest()[length] == '_')) {
        if (rest()[length] != '_') digits += rest()[length];
        ++length;
      }
    };
    const auto digit_at = [&](size_t i) { return i < rest().size() && is_digit(rest()[i]); };
    take_digits();
    bool is_real = false;
    if (!is_field && length < rest().size() && rest()[length] == '.' && digit_at(length + 1)) {
      is_real = true;
      digits += '.';
      ++length;
      take_digits();
    }
    if (!is_field && length < rest().size() && (rest()[length] == 'e' || rest()[length] == 'E')) {
      const size_t sign =
          length + 1 < rest().size() && (rest()[length + 1] == '-' || rest()[length + 1] == '+') ? 1 : 0;
      if (digit_at(length + 1 + sign)) {
        is_real = true;
        digits += rest().substr(length, 1 + sign);
        length += 1 + sign;
        take_digits();
      }
    }
    Token& made = add(is_real ? TokenKind::real : TokenKind::integer, digits);
    const char *begin = digits.data(), *end = begin + digits.size();
    const auto read = is_real ? std::from_chars(begin, end, made.real) : std::from_chars(begin, end, made.integer);
    if (read.ec != std::errc()) fail(fmt::format("the number {} is out of range", shown(digits)));
    advance(length);
  }

  std::string_view source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starts_ = true;  // nothing, or the line break that a tag took, stands before
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex(std::string_view source) {
  if (source.size() > kLongestTemplate)
    wrong("the template has {} bytes, at most {} are taken", source.size(), kLongestTemplate);
  std::string lines;  // with "\n" alone, and without the last line break, as Jinja reads a template
  for (size_t i = 0; i < source.size(); ++i) {
    const bool is_return = source[i] == '\r';
    lines += is_return ? '\n' : source[i];
    if (is_return && i + 1 < source.size() && source[i + 1] == '\n') ++i;
  }
  if (!lines.empty() && lines.back() == '\n') lines.pop_back();
  return Lexer(lines).run();
}

}  // namespace lathe::chat
